"""Sees into a graph: listing, stages, history of rewrites, cost, one page. It changes none."""
