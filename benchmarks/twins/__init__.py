"""The same networks in plain PyTorch, as baselines."""
