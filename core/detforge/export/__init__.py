"""Export to ONNX: weights by part through tf2onnx, everything else written node by node.

A detector's ``export_glue`` hook uses `GlueGraph` and the pieces of `detforge.export.boxes` and
`detforge.export.nms`.
"""
