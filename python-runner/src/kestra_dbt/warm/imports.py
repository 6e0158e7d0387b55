"""What a warm process has imported before it serves, so that no request has to."""

import contextlib
import importlib
import pkgutil
from collections.abc import Iterator

_LATER = (
    "dbt.adapters.duckdb.environments.local",
    "dbt.adapters.postgres",
    *(f"dbt.task.{task}" for task in ("build", "freshness", "list", "run", "seed", "snapshot", "test")),
    "dbt_common.clients.agate_helper",
    "multiprocessing.dummy",
)
"""What dbt imports while it runs, as far as it is there; adapters of other warehouses by the first request."""


def import_all() -> None:
    """Import dbt, and all of the runner that requests for it may need."""
    importlib.import_module("dbt.cli.main")
    for name in _of_the_runner():
        importlib.import_module(name)
    for name in _LATER:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _of_the_runner() -> Iterator[str]:
    yield "kestra_dbt.cli"
    for package in ("kestra_dbt.core", "kestra_dbt.graph", "kestra_dbt.report"):
        folders = importlib.import_module(package).__path__
        yield from (module.name for module in pkgutil.walk_packages(folders, f"{package}."))
