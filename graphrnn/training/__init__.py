"""The training loop, and the validation, checkpoints and checks that accompany it."""
