"""Plain data about a graph: nodes, names, shapes and sources."""
