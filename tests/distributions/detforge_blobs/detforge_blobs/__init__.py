"""A small anchor-free detector with masks, as an outside author would write it."""
