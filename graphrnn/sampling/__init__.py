"""Writing text and reading it: sampler and evaluation."""
