"""The compiled SQL of nodes that failed, from the results that dbt wrote."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

SQL_LIMIT = 6_000
"""Characters of one node's SQL. target.zip has the whole."""

NODES_AT_MOST = 20

_LARGEST = 64_000_000
"""Bytes of results that are read for it."""


def compiled_sql(results: Iterable[Path], wanted: Iterable[str]) -> dict[str, str]:
    """Return the SQL of the first of the ``wanted`` nodes, by their ids; what is not there is left out."""
    few = list(dict.fromkeys(wanted))[:NODES_AT_MOST]
    if not few:
        return {}
    found = {entry["unique_id"]: entry.get("compiled_code") for file in results for entry in _entries(file)}
    return {unique_id: _cut(str(found[unique_id])) for unique_id in few if found.get(unique_id)}


def _entries(file: Path) -> Iterator[dict[str, Any]]:
    try:
        read = json.loads(file.read_bytes()) if file.stat().st_size <= _LARGEST else {}
        yield from (entry for entry in read["results"] if "unique_id" in entry)
    except (OSError, ValueError, KeyError, TypeError):  # it may have been cut short
        return


def _cut(sql: str) -> str:
    whole = sql.strip()
    return whole if len(whole) <= SQL_LIMIT else f"{whole[:SQL_LIMIT]}…"
