"""The graph builder: shapes, cells, loops, losses and updates."""
