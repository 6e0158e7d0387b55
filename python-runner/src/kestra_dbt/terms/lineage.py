"""What a node wrote and read, in the words of the warehouse: relations, whatever dbt calls the nodes."""

from collections.abc import Iterator
from typing import Any

from kestra_dbt.protocol import Lineage, NodeFinished, Outcome, Relation
from kestra_dbt.terms.commands import writes_relations
from kestra_dbt.terms.nodes import Manifest, find, upstream_of

_WRITING = ("model", "seed", "snapshot")

_AT_MOST = 15
"""Relations in one event, for an event line is short; a node that reads more has several events."""


def lineage_of(node: NodeFinished, command: str, manifest: Manifest | None) -> Iterator[Lineage]:
    """Yield what ``node`` wrote, with what it read; nothing if it wrote none that the warehouse keeps."""
    written = _relation(find(node.unique_id, manifest))
    ended_well = node.outcome in (Outcome.SUCCESS, Outcome.WARNING)
    if written is None or not ended_well or node.resource_type not in _WRITING or not writes_relations(command):
        return
    read = list(_read_by(node.unique_id, manifest))
    for begin in range(0, max(len(read), 1), _AT_MOST):
        yield Lineage(
            invocation=node.invocation,
            unique_id=node.unique_id,
            resource_type=node.resource_type,
            relation=written,
            reads=read[begin : begin + _AT_MOST],
        )


def _read_by(unique_id: str, manifest: Manifest | None) -> Iterator[Relation]:
    """Yield the relations that a node reads, each once; through what has none, as an ephemeral model."""
    seen, waiting = {unique_id}, list(upstream_of(find(unique_id, manifest)))
    while waiting:
        upstream = waiting.pop(0)
        if upstream in seen:
            continue
        seen.add(upstream)
        node = find(upstream, manifest)
        relation = _relation(node)
        if relation is not None:
            yield relation
        else:
            waiting.extend(upstream_of(node))


def _relation(node: Any) -> Relation | None:  # noqa: ANN401 - dbt's node classes share no useful base
    if not getattr(node, "relation_name", None):
        return None
    table = getattr(node, "identifier", None) or getattr(node, "alias", None) or node.name
    return Relation(database=node.database or None, schema_name=node.schema or None, table=table)
