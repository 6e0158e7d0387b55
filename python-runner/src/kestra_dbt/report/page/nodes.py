"""What the page says of each node: rows of values, for the names of the fields would be most of the page."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from kestra_dbt.protocol import NodeFinished, NodeStarted, Outcome
from kestra_dbt.report.results import Results, rows_of_test

FIELDS = (
    *("id", "label", "type", "outcome", "status", "invocation", "thread"),
    *("queued", "started", "compiled", "finished"),
    *("seconds", "rows", "parent", "path", "message", "query"),
)
"""Of a row, in their order. Times are milliseconds from the begin of the run."""

MESSAGE_LIMIT = 1_000
"""Characters of a message. dbt.log has the whole."""

_LONG_MESSAGES = 100
"""Nodes that did not end well whose messages are told at that length; of more, one line."""

_LINE = 80

UNFINISHED = "unfinished"
"""The outcome of a node that was begun, and of whose end nothing was heard."""


@dataclass(frozen=True)
class Nodes:
    """The nodes of a run, with the moment from which their times count."""

    began: datetime | None
    rows: list[list[object]]


def nodes_of(results: Results) -> Nodes:
    """Return the rows: of the nodes that ended in the order in which they did, then of those that did not."""
    ended = results.nodes
    begun = [node for invocation in results.invocations.values() for node in invocation.running.values()]
    began = min([*(node.queued_at for node in ended), *(node.at for node in begun)], default=None)
    if began is None:
        return Nodes(None, [])
    last = max([*(node.finished_at for node in ended), *(node.at for node in begun)])
    rows = [_ended(node, began, limit) for node, limit in _with_limits(ended)]
    return Nodes(began, rows + [_begun(node, began, last) for node in begun])


def _with_limits(nodes: Iterable[NodeFinished]) -> Iterator[tuple[NodeFinished, int]]:
    """Yield each node with the length that its message may have: what failed is what one looks for."""
    left = _LONG_MESSAGES
    for node in nodes:
        is_told = node.outcome in (Outcome.FAILED, Outcome.WARNING)
        yield node, MESSAGE_LIMIT if is_told and left > 0 else 0 if node.outcome is Outcome.SUCCESS else _LINE
        left -= is_told


def _ended(node: NodeFinished, began: datetime, limit: int) -> list[object]:
    compiled = None if node.compiled_at is None else _since(began, node.compiled_at)
    times = [_since(began, node.queued_at), _since(began, node.started_at), compiled, _since(began, node.finished_at)]
    measured = node.execution_s is not None and math.isfinite(node.execution_s)
    return [
        *(node.unique_id, node.label, node.resource_type, node.outcome.value, node.status),
        *(node.invocation, node.thread),
        *times,
        round(node.execution_s, 3) if node.execution_s is not None and measured else None,
        *(node.rows_affected, node.parent, node.path),
        _cut(node.message, limit),
        rows_of_test(node),
    ]


def _begun(node: NodeStarted, began: datetime, last: datetime) -> list[object]:
    at = _since(began, node.at)
    return [
        *(node.unique_id, node.label, node.resource_type, UNFINISHED, UNFINISHED),
        *(node.invocation, None),
        *(at, at, None, _since(began, last)),
        *(None, None, node.parent, None, None, None),
    ]


def _since(began: datetime, at: datetime) -> int:
    return round((at - began).total_seconds() * 1000)


def _cut(text: str | None, limit: int) -> str | None:
    if not text or not limit:
        return None
    return text if len(text) <= limit else f"{text[:limit]}…"
