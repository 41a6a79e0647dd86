"""The page and the files of a graph: boxes, layouts and history."""
