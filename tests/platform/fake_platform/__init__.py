"""A fake of the dbt platform: a real HTTP server that really runs dbt for its jobs."""
