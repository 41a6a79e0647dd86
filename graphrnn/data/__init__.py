"""Texts, and the batches of windows that are cut from them."""
