"""What the manifest knows about nodes that dbt's events don't tell: names for people, parents, dependencies."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

LABEL_LIMIT = 120
"""Characters. Kestra's tables hold 256, and its Gantt shows far fewer."""


class Manifest(Protocol):
    """The part of dbt's Manifest that is read here."""

    @property
    def nodes(self) -> Mapping[str, Any]:
        """Models, tests, seeds, snapshots, operations by unique_id."""

    @property
    def unit_tests(self) -> Mapping[str, Any]:
        """Unit tests by unique_id."""

    @property
    def sources(self) -> Mapping[str, Any]:
        """Sources by unique_id."""

    @property
    def exposures(self) -> Mapping[str, Any]:
        """Exposures by unique_id."""


@dataclass(frozen=True)
class NodeFacts:
    """What is known about one node."""

    label: str
    parent: str | None = None
    depends_on: tuple[str, ...] = ()
    path: str | None = None


def facts_of(unique_id: str, name: str, manifest: Manifest | None) -> NodeFacts:
    """Return what ``manifest`` knows about a node; without one, what its name tells."""
    node = find(unique_id, manifest)
    if node is None:
        return NodeFacts(label=to_label(name or unique_id))
    depends_on = upstream_of(node)
    parent = _parent(unique_id, node, depends_on)
    if parent and unique_id.startswith("unit_test."):
        # It runs before the model that it tests, as soon as what that one reads is there.
        depends_on = upstream_of(find(parent, manifest))
    return NodeFacts(
        label=to_label(_name_for_people(node)),
        parent=parent,
        depends_on=depends_on,
        path=getattr(node, "original_file_path", None),
    )


def to_label(name: str) -> str:
    """Return ``name`` as an identifier that Kestra takes: letters, digits, dots, dashes and underscores."""
    clean = re.sub(r"[^A-Za-z0-9._-]+", "_", name)[:LABEL_LIMIT]
    return clean if clean[:1].isalnum() else f"n{clean}"[:LABEL_LIMIT]


def find(unique_id: str, manifest: Manifest | None) -> Any:  # noqa: ANN401 - dbt's node classes share no useful base
    """Return what ``manifest`` has under this id, None if it has nothing."""
    if manifest is None:
        return None
    collections = (manifest.nodes, getattr(manifest, "unit_tests", {}), manifest.sources, manifest.exposures)
    return next((nodes[unique_id] for nodes in collections if unique_id in nodes), None)


def upstream_of(node: Any) -> tuple[str, ...]:  # noqa: ANN401
    """Return the ids of what a node depends on."""
    return tuple(getattr(getattr(node, "depends_on", None), "nodes", ()) or ())


def _name_for_people(node: Any) -> str:  # noqa: ANN401
    """``not_null.order_id`` says in a test's place what ``not_null_stg_orders_order_id`` says at length."""
    test = getattr(node, "test_metadata", None)
    if test is not None and _is_generated(node, test.name):
        return ".".join(filter(None, (test.namespace, test.name, getattr(node, "column_name", None))))
    if getattr(node, "source_name", None):
        return f"{node.source_name}.{node.name}"
    version = getattr(node, "version", None)
    return f"{node.name}.v{version}" if version is not None else str(node.name)


def _is_generated(node: Any, test: str) -> bool:  # noqa: ANN401
    """A test that its author named keeps that name."""
    return bool(re.match(rf"(source_)?(\w+_)?{re.escape(test)}_", node.name))


def _parent(unique_id: str, node: Any, depends_on: tuple[str, ...]) -> str | None:  # noqa: ANN401
    if not unique_id.startswith(("test.", "unit_test.")):
        return None
    attached = getattr(node, "attached_node", None)
    return attached or next((tested for tested in depends_on if not tested.startswith("source.")), None)
