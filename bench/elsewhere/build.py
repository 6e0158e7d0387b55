"""One `dbt build` by prefect-dbt's runner, as a Prefect flow."""

from prefect import flow
from prefect_dbt import PrefectDbtRunner


@flow
def build() -> None:
    """Build the project of the environment's DBT_PROJECT_DIR."""
    PrefectDbtRunner().invoke(["build"])


if __name__ == "__main__":
    build()
