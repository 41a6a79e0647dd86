"""A graph as plain data: nodes, names, shapes and sources."""
