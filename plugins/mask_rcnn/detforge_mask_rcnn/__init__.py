"""Mask R-CNN for detforge."""
