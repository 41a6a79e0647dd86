"""Symbolic variables while a graph is built: their lengths, checks of each operation, messages."""
