"""Analysis of gradients over time, and of divergence in training."""
