"""What dbt says and writes, in an orchestrator's terms: commands, statuses, nodes, results. No dbt is imported here."""
