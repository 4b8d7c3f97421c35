"""Generated from protos/detforge/protos by `detforge dev protos`."""
