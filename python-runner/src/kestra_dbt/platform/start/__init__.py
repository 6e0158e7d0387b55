"""Bringing a run about, exactly once."""
