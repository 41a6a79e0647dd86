"""Subcommands that have a module each; the command line registers them by name."""
