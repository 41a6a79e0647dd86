"""Faults of Aesara itself, and correct rewrites and gradients that replace the faulty ones."""
