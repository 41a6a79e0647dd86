"""Text about a graph: listings, tables, and the code that it becomes."""
