"""The task `prune`: from a checkpoint to a narrower one, and what came of it."""
