"""Options of a request as arguments of a dbt command."""

import json
from typing import Any

from kestra_dbt.protocol import DbtOptions, Secrets

_ONE_WAY_FLAGS = frozenset(
    {"full-refresh", "store-failures", "warn-error", "show", "static", "empty-catalog", "upgrade", "lock"}
)
"""Flags that dbt has no `--no-` form of: off is to leave them out."""


def arguments(command: list[str], options: DbtOptions, secrets: Secrets, more: list[str]) -> list[str]:
    """Return the arguments of one dbt command, as dbt's command line takes them."""
    found = list(command)
    for name, value in options.model_dump(exclude_defaults=True).items():
        found += _flag(name.replace("_", "-"), value)
    if secrets.vars:
        found += ["--vars", json.dumps(secrets.vars)]
    if secrets.macro_args:
        found += ["--args", json.dumps(secrets.macro_args)]
    return found + more


def _flag(name: str, value: str | int | bool | list[str] | dict[str, Any]) -> list[str]:
    if isinstance(value, bool):
        if value:
            return [f"--{name}"]
        return [] if name in _ONE_WAY_FLAGS else [f"--no-{name}"]
    if isinstance(value, list):
        # dbt names these two in the singular on its command line
        flag = name.removesuffix("s") if name.endswith("resource-types") else name
        return [part for entry in value if entry.strip() for part in (f"--{flag}", entry)]
    if isinstance(value, dict):
        return [f"--{name}", json.dumps(value)]
    return [f"--{name}", str(value)]
