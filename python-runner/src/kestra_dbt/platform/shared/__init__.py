"""One process in which many requests for the dbt platform wait at once, over one pool of connections."""
