"""The dbt platform (dbt Cloud): runs started exactly once, followed, cancelled, retried, and all they leave brought."""
