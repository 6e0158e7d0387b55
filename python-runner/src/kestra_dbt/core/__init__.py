"""dbt Core: one invocation or a whole script of them, in processes of their own, reported as events."""
