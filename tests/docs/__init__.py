"""The pages of docs/ whose blocks are what the program says."""
