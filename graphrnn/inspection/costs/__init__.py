"""The costs of a graph: operations, bytes and measured time."""
