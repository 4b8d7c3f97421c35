"""Passes over a model's parts."""
