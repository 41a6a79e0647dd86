"""What people look at: the terminal's progress and plots."""
