"""What failed nodes make of a run."""

from kestra_dbt.protocol import Failure, FailureCode, NodeFinished, Outcome
from kestra_dbt.report.results import rows_of_test

_NAMED_AT_MOST = 5


def of_nodes(nodes: list[NodeFinished]) -> Failure:
    """Return the failure that these ``nodes`` of an invocation, some of them failed, mean."""
    failed = [node for node in nodes if node.outcome is Outcome.FAILED]
    skipped = sum(node.outcome is Outcome.SKIPPED for node in nodes)
    named = [f"{node.resource_type} {node.label}" for node in failed[:_NAMED_AT_MOST]]
    if len(failed) > _NAMED_AT_MOST:
        named.append(f"{len(failed) - _NAMED_AT_MOST} more")
    sentence = f"{len(failed)} of {len(nodes)} nodes failed: {', '.join(named)}"
    if skipped:
        sentence += f"; {skipped} {'was' if skipped == 1 else 'were'} skipped because of that"
    detail = "\n".join(map(_detail, failed))
    return Failure(code=FailureCode.NODES, sentence=f"{sentence}.", detail=detail)


def _detail(node: NodeFinished) -> str:
    rows = rows_of_test(node)
    return f"{node.unique_id}: {node.message or node.status}{f'; its rows: {rows}' if rows else ''}"
