"""The training loop: Keras' fit, and what a run needs around it."""
