"""A graph as text: lines, tables, and the code that it becomes."""
