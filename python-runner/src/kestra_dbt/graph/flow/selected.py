"""What of a project becomes part of the flow, and what depends on what once the rest is left out."""

from collections.abc import Mapping, Set
from dataclasses import dataclass

from kestra_dbt.graph.flow.manifest import BUILT, TESTS, Manifest, Node
from kestra_dbt.protocol import FlowOptions


@dataclass(frozen=True)
class Selected:
    """Nodes by their kinds, each in the order of dependencies.

    Args:
        items: what tasks are made of: what is built, and sources that are gates or have tests.
        tests: data tests and unit tests.
        exposures: if they are asked for.
        near: of each of these, the items that it depends on, straight or through nodes that are no items.
    """

    items: list[Node]
    tests: list[Node]
    exposures: list[Node]
    near: Mapping[str, tuple[str, ...]]


def select(manifest: Manifest, chosen: Set[str] | None, options: FlowOptions) -> Selected:
    """Return what is ``chosen`` of the manifest; None: everything."""
    nodes = [node for unique_id, node in manifest.nodes.items() if chosen is None or unique_id in chosen]
    tests = [node for node in nodes if node.resource_type in TESTS]
    gated = {node.unique_id for node in nodes if options.freshness_gates and node.has_freshness}
    tested = {parent for test in tests for parent in test.parents if options.tests != "end"}
    sources = gated | {
        unique_id for unique_id in tested if unique_id in manifest.nodes and _is_source(manifest.nodes[unique_id])
    }
    built = {node.unique_id for node in nodes if node.resource_type in BUILT and node.runs}
    items = built | sources
    exposures = [node for node in nodes if options.exposures and node.resource_type == "exposure"]
    return Selected(
        items=[node for unique_id, node in manifest.nodes.items() if unique_id in items],
        tests=tests,
        exposures=exposures,
        near=_near(manifest, items),
    )


def _is_source(node: Node) -> bool:
    return node.resource_type == "source"


def _near(manifest: Manifest, items: Set[str]) -> dict[str, tuple[str, ...]]:
    near: dict[str, tuple[str, ...]] = {}
    for unique_id, node in manifest.nodes.items():
        found: dict[str, None] = {}
        for parent in node.parents:
            found.update(dict.fromkeys((parent,) if parent in items else near.get(parent, ())))
        near[unique_id] = tuple(found)
    return near
