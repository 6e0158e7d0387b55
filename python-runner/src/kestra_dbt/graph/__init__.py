"""A dbt project as tasks of a flow: parsed once and packed, run part by part, and put together again."""
