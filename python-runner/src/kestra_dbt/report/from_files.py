"""The nodes of an invocation, from the results and the manifest that it left."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from kestra_dbt.protocol import Event, NodeFinished, Outcome, ProjectLoaded
from kestra_dbt.terms.fields import Fields
from kestra_dbt.terms.lineage import lineage_of
from kestra_dbt.terms.nodes import facts_of, find
from kestra_dbt.terms.results import (
    Queue,
    execution_began,
    finished_by_result,
    has_failing_rows,
    line_about_rows,
    query_of,
    times_of,
)
from kestra_dbt.terms.written import WrittenManifest, results_of

_TARGET = Path("target")
"""What the paths of a manifest begin with."""


def events_of(invocation: int, command: str, results: Path, manifest: Path | None, target: str) -> Iterator[Event]:
    """Yield what a step did to its nodes, in the order in which it was done with them.

    Args:
        invocation: number of the step among those that run dbt.
        command: of it.
        results: its run_results.json or sources.json.
        manifest: its manifest.json; without one, names are what the ids tell.
        target: name of the target, as far as it is known.
    """
    told = results_of(results).results
    known = _read(manifest)
    if known is not None:
        yield ProjectLoaded(
            invocation=invocation,
            project=known.metadata.project_name or "",
            target=target,
            adapter=known.metadata.adapter_type or "",
            target_path=str(results.parent),
        )
    queue = Queue()
    queue.began = min((times_of(result)[0] for result in told), default=None)
    for index, result in enumerate(told, start=1):
        event = _finished(invocation, result, known, queue, (index, len(told)))
        queue.finished(event)
        # `docs generate` compiles every node again: of these only failures are worth telling
        if command != "docs generate" or event.outcome is Outcome.FAILED:
            if event.query:
                yield line_about_rows(event)
            yield event
            yield from lineage_of(event, command, known)


def _finished(
    invocation: int, result: Fields, manifest: WrittenManifest | None, queue: Queue, place: tuple[int, int]
) -> NodeFinished:
    unique_id, resource_type = result.node.unique_id, result.node.resource_type
    facts = facts_of(unique_id, result.node.name, manifest)
    began, ended = times_of(result)
    compiled = execution_began(result)
    node = find(unique_id, manifest)
    has_rows = has_failing_rows(resource_type, str(result.status))
    return finished_by_result(
        invocation,
        result,
        facts,
        place,
        queued_at=queue.queued_at(facts, began),
        compiled_at=compiled if compiled and began <= compiled <= ended else None,
        failures=result.failures if _counts_failures(resource_type, str(result.status)) else None,
        relation=result.relation_name or (node and node.relation_name) or None,
        query=query_of(node, _TARGET) if has_rows else None,
    )


def _counts_failures(resource_type: str, status: str) -> bool:
    return resource_type in ("test", "unit_test") and status not in ("skipped", "error")


def _read(manifest: Path | None) -> WrittenManifest | None:
    if manifest is not None:
        with contextlib.suppress(OSError, ValueError, AttributeError):  # names for people are not worth a failure
            return WrittenManifest(manifest)
    return None
