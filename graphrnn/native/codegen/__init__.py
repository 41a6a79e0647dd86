"""IR → C: the only place that writes C."""
