"""The command line for people and other schedulers."""
