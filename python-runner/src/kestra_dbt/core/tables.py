"""Results of dbt commands that are tables: what `list` lists and `show` shows, as rows of an .ion file."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kestra_dbt.report.results import NODES_FILE
from kestra_dbt.terms.commands import is_list

ROWS_FILE = "rows.ion"
"""The artifact with the rows that `show` shows."""


@dataclass(frozen=True)
class Table:
    """A result that is a table: what it is called, its file, and its rows."""

    name: str
    file: str
    rows: Iterable[Mapping[str, Any]]


def table_of(command: str, result: object, keys: list[str]) -> Table | None:
    """Return the table that ``command`` was asked for; None if it is not about one, or failed before it had one."""
    if is_list(command) and isinstance(result, list):
        return Table(NODES_FILE, "listed.ion", (_listed(line, keys) for line in result))
    if command == "show" and isinstance(result, list):  # of a dbt that is run as a command
        return Table(ROWS_FILE, ROWS_FILE, result)
    if command == "show" and hasattr(result, "results"):
        return Table(ROWS_FILE, ROWS_FILE, _shown(result))
    return None


def _listed(line: str, keys: list[str]) -> Mapping[str, Any]:
    try:
        node = json.loads(line)
    except ValueError:  # the user asked for another output format than JSON
        return {"name": line}
    return node if keys else _node(node)


def _node(node: Mapping[str, Any]) -> dict[str, Any]:
    config = node.get("config") or {}
    source = node.get("source_name")
    return {
        "unique_id": node.get("unique_id"),
        "name": f"{source}.{node.get('name')}" if source else node.get("name"),
        "resource_type": node.get("resource_type"),
        "package": node.get("package_name"),
        "path": node.get("original_file_path"),
        "tags": node.get("tags") or [],
        "materialized": config.get("materialized"),
        "depends_on": (node.get("depends_on") or {}).get("nodes") or [],
    }


def _shown(result: Any) -> Iterator[dict[str, Any]]:  # noqa: ANN401 - dbt's results share no useful base
    shown = [one for one in result.results if getattr(one, "agate_table", None) is not None]
    for one in shown:
        # with several nodes, a row has to say whose it is
        whose = {"unique_id": one.node.unique_id} if len(shown) > 1 else {}
        names = one.agate_table.column_names
        for row in one.agate_table.rows:
            yield {**whose, **dict(zip(names, row.values(), strict=True))}
