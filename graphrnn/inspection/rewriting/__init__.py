"""How a graph is rewritten: its history, provenance and timing."""
