"""What a maintainer runs: the benchmark, the lesson's tables, pictures."""
