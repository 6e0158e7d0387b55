"""``python -m kestra_dbt``."""

from kestra_dbt.bootstrap import main

main()
