"""Backends, which run a graph: one C function, stock Aesara, or Python."""
