"""What a graph costs: operations, bytes, and measured time."""
