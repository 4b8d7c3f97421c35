"""One way to predict over Keras and ONNX Runtime; drawing and label files."""
