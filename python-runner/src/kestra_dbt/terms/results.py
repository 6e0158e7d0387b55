"""Results of nodes, as dbt itself keeps them and as run_results.json has them, in our terms."""

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from kestra_dbt.protocol import Level, Log, NodeFinished, Outcome
from kestra_dbt.report.results import rows_of_test
from kestra_dbt.terms.nodes import NodeFacts
from kestra_dbt.terms.status import outcome
from kestra_dbt.terms.text import clean
from kestra_dbt.terms.times import when


class Queue:
    """Knows when nodes ended, and so when others could begin."""

    def __init__(self) -> None:
        self.began: datetime | None = None
        """When dbt began with its nodes."""
        self._finished_at: dict[str, datetime] = {}
        self._tests_finished_at: dict[str, datetime] = {}

    def __contains__(self, unique_id: str) -> bool:
        return unique_id in self._finished_at

    def finished(self, event: NodeFinished) -> None:
        """Note the end of a node."""
        self._finished_at[event.unique_id] = event.finished_at
        if event.parent:
            latest = self._tests_finished_at.get(event.parent, event.finished_at)
            self._tests_finished_at[event.parent] = max(latest, event.finished_at)

    def queued_at(self, facts: NodeFacts, started: datetime) -> datetime:
        """A node is queued when the last of what it depends on is done; in a build, tests of these hold it back too."""
        holding = (self._finished_at,) if facts.parent else (self._finished_at, self._tests_finished_at)
        done = [times[upstream] for upstream in facts.depends_on for times in holding if upstream in times]
        return min(max(done, default=self.began or started), started)


def finished_by_result(
    invocation: int,
    result: Any,  # noqa: ANN401 - dbt's own, which share no useful base, or its JSON
    facts: NodeFacts,
    place: tuple[int | None, int | None],
    **more: object,
) -> NodeFinished:
    """Return what a result tells of its node.

    Args:
        invocation: it is of.
        result: with its node.
        facts: about the node.
        place: of the node among how many.
        more: fields that are known better.
    """
    began, ended = times_of(result)
    status = str(getattr(result.status, "value", result.status))
    told: dict[str, Any] = {
        "invocation": invocation,
        "unique_id": result.node.unique_id,
        "label": facts.label,
        "resource_type": str(getattr(result.node.resource_type, "value", result.node.resource_type)),
        "parent": facts.parent,
        "index": place[0],
        "total": place[1],
        "outcome": outcome(status),
        "status": status,
        "message": clean(result.message) or None,
        "rows_affected": rows_affected(result.adapter_response),
        "queued_at": began,
        "started_at": began,
        "finished_at": ended,
        "execution_s": result.execution_time,
        "thread": result.thread_id or None,
        "path": facts.path,
    }
    return NodeFinished(**{**told, **more})


def times_of(result: Any) -> tuple[datetime, datetime]:  # noqa: ANN401 - see above
    """Return when a result says that its node began and ended; now, if it does not say it."""
    now = datetime.now(timezone.utc)
    times = [when(time) for step in result.timing or () for time in (step.started_at, step.completed_at) if time]
    return (min(times), max(times)) if times else (now, now)


def execution_began(result: Any) -> datetime | None:  # noqa: ANN401 - see above
    """Return when the execution of a node began, after its SQL was compiled; None if that is not told."""
    return next(
        (when(step.started_at) for step in result.timing or () if step.name == "execute" and step.started_at), None
    )


def has_failing_rows(resource_type: str, status: str) -> bool:
    """Tell whether a result is of a test that found rows."""
    return resource_type == "test" and status != "error" and outcome(status) in (Outcome.FAILED, Outcome.WARNING)


def query_of(test: Any, target_path: Path | None) -> str | None:  # noqa: ANN401 - dbt's node classes likewise
    """Return what shows the rows that failed ``test``, a node of the manifest."""
    if test is None:
        return None
    if test.relation_name:  # only tests that store their failures have one
        return f"select * from {test.relation_name}"  # noqa: S608 - for people to run
    sql = _below(Path(test.compiled_path or ""), target_path) if target_path else None
    return str(sql) if sql else None


def line_about_rows(test: NodeFinished) -> Log:
    """Return the line of a test's log that says what shows the rows that failed it."""
    return Log(
        invocation=test.invocation,
        level=Level.ERROR if test.outcome is Outcome.FAILED else Level.WARN,
        at=test.finished_at,
        message=f"Its rows: {rows_of_test(test)}",
        unique_id=test.unique_id,
    )


def rows_affected(response: Any) -> int | None:  # noqa: ANN401 - an adapter's own
    """Return the rows that an adapter says it has written."""
    rows = response["rows_affected"] if response is not None and "rows_affected" in response else None
    return int(rows) if isinstance(rows, int | float) and rows >= 0 else None


def _below(file: Path, folder: Path) -> Path | None:
    """Return ``file`` from ``folder`` on, wherever the part before that begins; None if it is not there."""
    ends = (parent for parent in file.parents if parent.parts and folder.parts[-len(parent.parts) :] == parent.parts)
    return next((file.relative_to(parent) for parent in ends), None)
