"""`kestra-dbt flow`: writes the flow in which a dbt project is a graph of tasks."""
