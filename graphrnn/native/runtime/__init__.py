"""What runs the C: compilers, cache, libraries, functions and threads."""
