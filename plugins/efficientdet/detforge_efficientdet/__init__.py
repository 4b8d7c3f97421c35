"""EfficientDet for detforge."""
