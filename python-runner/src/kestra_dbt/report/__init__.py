"""What is left of a run for people to look at: the table of nodes, the summary page, the artifacts."""
