"""Inspects graphs without changing them: stages, listings, rewrites, costs and a page."""
