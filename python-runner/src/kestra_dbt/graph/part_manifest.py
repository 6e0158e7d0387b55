"""Of a parsed project: a manifest of some nodes and what they read. So dbt's work does not grow with the project.

dbt links, searches and writes all that a manifest has, for a single model too; that takes minutes with some thousand
nodes. What macros see as ``graph`` stays the whole project.
"""

import copy
import functools
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from dbt.contracts.graph.manifest import Manifest

from kestra_dbt.core.known_parse import manifest_of

_FIELDS = frozenset(field.name for field in fields(Manifest))

_KINDS = _FIELDS & {
    "nodes",
    "sources",
    "exposures",
    "metrics",
    "functions",
    "semantic_models",
    "saved_queries",
    "unit_tests",
}
"""Those with the members of the graph, each by its unique id. Older dbts have no functions."""

_OWN = _KINDS | {"_lock"} | {name for name in _FIELDS if name.endswith("_lookup")}
"""Those that a part has not in common with the whole: its members and what is looked up in them. And the lock, or all
processes forked from the one that has read the manifest would have one."""


class PartManifest(Manifest):
    """A manifest that has not all that its project has."""

    def build_flat_graph(self) -> None:
        """Leave `graph` as it is: dbt calls this once it has set where to defer to, which `graph` does not tell."""

    def write(self, path: str) -> None:
        """Write none: Prepare has written that of the project."""


@functools.lru_cache(maxsize=1)
def read_manifest(parsed: Path) -> Manifest:
    """Return the manifest in dbt's parse cache, which nobody may change; a warm process has it in memory already."""
    manifest = manifest_of(parsed.read_bytes())
    manifest.build_flat_graph()  # type: ignore[no-untyped-call]
    return manifest


def part_of(manifest: Manifest, nodes: list[str], tag: str) -> PartManifest:
    """Return a manifest with ``nodes``, which get ``tag``, the hooks of the project, and what these read.

    What they read is there to be referred to: what it reads itself is not known any more.
    """
    hooks = [unique_id for unique_id in manifest.nodes if unique_id.startswith("operation.")]
    whole: dict[str, Any] = {unique_id: copy.copy(manifest.expect(unique_id)) for unique_id in [*hooks, *nodes]}
    for unique_id in nodes:
        _mark(whole[unique_id], tag)
    read = {unique_id for node in list(whole.values()) for unique_id in _read(manifest, node, whole)}
    members = whole | {unique_id: _leaf(manifest.expect(unique_id)) for unique_id in read - whole.keys()}
    kinds: dict[str, Any] = {kind: {i: members[i] for i in members if i in getattr(manifest, kind)} for kind in _KINDS}
    shared: dict[str, Any] = {name: getattr(manifest, name) for name in _FIELDS - _OWN}
    part = PartManifest(**shared, **kinds)
    part.build_parent_and_child_maps()  # type: ignore[no-untyped-call]
    return part


def _read(manifest: Manifest, node: Any, whole: dict[str, Any]) -> Iterable[str]:  # noqa: ANN401 - one of many types
    """Yield what a node reads; what it has to have whole for that goes to ``whole``."""
    for unique_id in node.depends_on_nodes:
        yield unique_id
        parent: Any = manifest.expect(unique_id)
        # an ephemeral model is compiled into what reads it, and a unit test compiles the model that it tests
        compiled = getattr(parent, "is_ephemeral_model", False) or node.resource_type == "unit_test"
        if compiled and unique_id not in whole:
            whole[unique_id] = copy.copy(parent)
            yield from _read(manifest, parent, whole)


def _mark(node: Any, tag: str) -> None:  # noqa: ANN401
    if node.resource_type == "unit_test":  # dbt looks there for its tags
        node.config = copy.copy(node.config)
        node.config.tags = [*node.tags, tag]
    else:
        node.tags = [*node.tags, tag]


def _leaf(node: Any) -> Any:  # noqa: ANN401
    leaf = copy.copy(node)
    if leaf.depends_on_nodes:
        leaf.depends_on = copy.copy(node.depends_on)
        leaf.depends_on.nodes = []
    return leaf
