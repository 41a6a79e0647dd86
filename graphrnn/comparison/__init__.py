"""Comparison of the ways to loop a network: first that results agree, then what each costs."""
