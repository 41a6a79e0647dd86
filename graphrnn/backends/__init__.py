"""What runs a graph: one C function, stock Aesara, or Python."""
