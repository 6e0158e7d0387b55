"""Requests in processes forked from one that has imported dbt already; on Linux, elsewhere a plain one is taken."""
