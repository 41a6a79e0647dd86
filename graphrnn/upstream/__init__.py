"""Where Aesara itself is wrong, and the right rewrites and gradients in their place."""
