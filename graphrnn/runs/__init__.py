"""Run folders: settings, checkpoints and logs."""
