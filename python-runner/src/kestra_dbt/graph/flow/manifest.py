"""What a manifest.json says, as far as a flow is about it."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from heapq import heapify, heappop, heappush
from pathlib import Path
from typing import Any

from kestra_dbt.errors import ProjectError

SUPPORTED = (11, 12)
"""Versions of the manifest's schema: those of dbt 1.7, and of 1.8 and later."""

BUILT = frozenset({"model", "seed", "snapshot", "function"})
TESTS = frozenset({"test", "unit_test"})

_SECTIONS = ("nodes", "unit_tests", "sources", "exposures", "metrics", "semantic_models", "saved_queries")
_CRITERIA = ("warn_after", "error_after")


@dataclass(frozen=True)
class Node:
    """A node of the project, as its manifest has it."""

    unique_id: str
    resource_type: str
    name: str
    package: str
    path: str
    tags: tuple[str, ...]
    parents: tuple[str, ...]
    description: str
    url: str | None
    runs: bool
    has_freshness: bool


@dataclass(frozen=True)
class Manifest:
    """A parsed project: its nodes, each after all that it depends on."""

    project: str
    nodes: Mapping[str, Node]


def read(file: Path) -> Manifest:
    """Return what ``file`` says.

    Raises:
        ProjectError: it can't be read, or is of a version that is not known.
    """
    try:
        content = json.loads(file.read_bytes())
    except OSError as error:
        raise ProjectError(f"The manifest {file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise ProjectError(f"{file} is no manifest.json: it is not JSON.", str(error)) from error
    return from_content(content, str(file))


def from_content(content: Any, where: str) -> Manifest:  # noqa: ANN401 - it may be anything
    """Likewise, of what was read already."""
    metadata = content.get("metadata") if isinstance(content, dict) else None
    schema = str(metadata.get("dbt_schema_version")) if isinstance(metadata, dict) else ""
    version = re.search(r"/manifest/v(\d+)\.json$", schema)
    if not isinstance(metadata, dict) or not version:
        raise ProjectError(f"{where} is no manifest.json of dbt: it does not say its schema version.")
    if int(version[1]) not in SUPPORTED:
        raise ProjectError(
            f"{where} is a manifest of schema version {version[1]} (dbt {metadata.get('dbt_version')}), and versions "
            f"{SUPPORTED[0]} to {SUPPORTED[-1]} are known here: parse the project with a dbt of 1.7 or later."
        )
    found = {}
    for section in _SECTIONS:
        for unique_id, entry in (content.get(section) or {}).items():
            found[unique_id] = _node(unique_id, entry)
    return Manifest(str(metadata.get("project_name") or "dbt"), _in_order(found, where))


def _node(unique_id: str, entry: Mapping[str, Any]) -> Node:
    config = entry.get("config") or {}
    resource_type = str(entry.get("resource_type"))
    name = str(entry.get("name"))
    if entry.get("version") is not None:
        name = f"{name}_v{entry['version']}"
    if resource_type == "source":
        name = f"{entry.get('source_name')}_{name}"
    freshness = entry.get("freshness") or config.get("freshness") or {}
    ephemeral = config.get("materialized") == "ephemeral"
    return Node(
        unique_id=unique_id,
        resource_type=resource_type,
        name=name,
        package=str(entry.get("package_name")),
        path=str(entry.get("original_file_path") or "").replace("\\", "/"),
        tags=tuple(sorted(map(str, entry.get("tags") or config.get("tags") or ()))),
        parents=tuple(dict.fromkeys((entry.get("depends_on") or {}).get("nodes") or ())),
        description=str(entry.get("description") or ""),
        url=entry.get("url"),
        runs=resource_type in BUILT | TESTS and not ephemeral,
        has_freshness=resource_type == "source" and any((freshness.get(name) or {}).get("count") for name in _CRITERIA),
    )


def _in_order(found: Mapping[str, Node], where: str) -> dict[str, Node]:
    """Sort by dependencies, then by name."""
    waits = {unique_id: sum(parent in found for parent in node.parents) for unique_id, node in found.items()}
    children: dict[str, list[str]] = {}
    for unique_id, node in found.items():
        for parent in node.parents:
            children.setdefault(parent, []).append(unique_id)
    ready = [unique_id for unique_id, count in waits.items() if not count]
    heapify(ready)
    ordered = {}
    while ready:
        unique_id = heappop(ready)
        ordered[unique_id] = found[unique_id]
        for child in children.get(unique_id, ()):
            waits[child] -= 1
            if not waits[child]:
                heappush(ready, child)
    if len(ordered) < len(found):
        left = min(set(found) - set(ordered))
        raise ProjectError(f"{where} has a cycle through {left} or above it: parse the project anew, dbt names it.")
    return ordered
