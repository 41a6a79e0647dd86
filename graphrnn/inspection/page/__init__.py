"""A graph as a page: boxes, history and files."""
