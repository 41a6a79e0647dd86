"""Output for people: progress in the terminal, and plots."""
