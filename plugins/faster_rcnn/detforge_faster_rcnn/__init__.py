"""Faster R-CNN for detforge."""
