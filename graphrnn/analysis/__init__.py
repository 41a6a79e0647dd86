"""Wings that analyze: gradients in time, and where training diverges."""
