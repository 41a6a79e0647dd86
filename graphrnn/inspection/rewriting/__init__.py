"""How a graph is rewritten: history, provenance and timing."""
