"""What a request says about where it is carried out. Standard library only, and little of it: each run begins here."""

from __future__ import annotations

import json
import os

from kestra_dbt.program import HOPPED

TYPE_CHECKING = False  # without loading typing
if TYPE_CHECKING:
    from typing import Any

COMMAND_VARIABLE = "KESTRA_DBT_COMMAND"
"""Environment variable with the path of the dbt that is run as a command. Unset: dbt is imported."""

_OF_DBT = ("dbt_command", "shell_script", "graph_node", "graph_flow")
"""Kinds of requests that dbt, imported, carries out."""


class Wishes:
    """Of one request. Whatever else is wrong with it is said where it is validated."""

    def __init__(self, request_file: str) -> None:
        """Read the file."""
        request = _read(request_file)
        dependencies, options = request.get("dependencies"), request.get("options")
        wanted = map(str, dependencies) if isinstance(dependencies, list) else ()
        self.dependencies = [requirement for requirement in wanted if requirement.strip()]
        self.engine = str(request.get("engine", "AUTO"))
        self.kind = str(request.get("kind", ""))
        self.pack = _text(request.get("pack")) if self.kind == "graph_node" else None
        self.options: dict[str, Any] = options if isinstance(options, dict) else {}
        self.profiles_dir = _text(self.options.get("profiles_dir"))
        self.args = request.get("args")
        needs_dbt = self.kind not in ("set_up", "graph_collect") or bool(request.get("generate_docs"))
        self.needs_dbt = needs_dbt and not (self.kind == "graph_flow" and request.get("manifest") is not None)

    def are_of_imported_dbt(self) -> bool:
        """Tell whether dbt is to be imported, in whatever interpreter."""
        return self.kind in _OF_DBT and self.needs_dbt and COMMAND_VARIABLE not in os.environ

    def are_met_here(self) -> bool:
        """Tell whether this interpreter is the right one if it has dbt."""
        return self.engine != "FUSION" and (not self.dependencies or HOPPED in os.environ)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _read(request_file: str) -> dict[str, Any]:
    try:
        with open(request_file, encoding="utf-8") as file:  # noqa: PTH123 - pathlib takes as long to load as all else here
            request = json.load(file)
    except (OSError, ValueError):
        return {}
    return request if isinstance(request, dict) else {}
