"""What a warm process has imported before it serves, so that no request has to."""

import contextlib
import importlib
import pkgutil
from collections.abc import Iterator

_LATER = (
    "dbt.adapters.duckdb.environments.local",
    *(f"dbt.task.{task}" for task in ("build", "freshness", "list", "run", "seed", "snapshot", "test")),
    "dbt_common.clients.agate_helper",
    "multiprocessing.dummy",
)
"""What dbt imports while it runs, as far as it is there."""


def import_all() -> None:
    """Import dbt, and all of the runner that requests for it may need."""
    importlib.import_module("dbt.cli.main")
    for name in _of_the_runner():
        importlib.import_module(name)
    for name in _LATER:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    for adapter in adapters():
        with contextlib.suppress(Exception):  # one that is broken is said to be where somebody wants it
            importlib.import_module(f"dbt.adapters.{adapter}")


def adapters() -> list[str]:
    """Return the names of dbt's adapters that are installed: each brings code and macros of its name."""
    of_code, of_macros = (
        {module.name for module in pkgutil.iter_modules(importlib.import_module(package).__path__)}
        for package in ("dbt.adapters", "dbt.include")
    )
    return sorted(of_code & of_macros)


def _of_the_runner() -> Iterator[str]:
    yield "kestra_dbt.cli"
    for package in ("kestra_dbt.core", "kestra_dbt.graph", "kestra_dbt.report"):
        folders = importlib.import_module(package).__path__
        yield from (module.name for module in pkgutil.walk_packages(folders, f"{package}."))
