"""Graph → graph: the rewrites of the native backend."""
