"""Weights that somebody trained, found by layer name."""
