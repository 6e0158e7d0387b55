"""What a run leaves: artifacts, nodes, logs, and the verdict about it."""
