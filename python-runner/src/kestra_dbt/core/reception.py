"""Takes in the events of all invocations of a run: passes them on, and keeps what the end of the run needs."""

from collections.abc import Callable
from pathlib import Path

from kestra_dbt.core.collection import Collector, Places
from kestra_dbt.protocol import (
    Artifact,
    Event,
    Failure,
    InvocationFinished,
    InvocationStarted,
    Log,
    NodeFinished,
    NodeStarted,
    Outcome,
    ProjectLoaded,
    decode,
    is_kind,
)
from kestra_dbt.report.results import Results
from kestra_dbt.terms.commands import runs_nodes


class Reception:
    """Knows each invocation from its events, whether it ended by itself or was cut short."""

    def __init__(
        self, results: Results, collector: Collector, pass_on: Callable[[bytes], None], *, before: int = 0
    ) -> None:
        """``before``: number of invocations that were told of already."""
        self._results = results
        self._collector = collector
        self._pass_on = pass_on
        self._count = before
        self._places: dict[int, Places] = {}
        self._stopping = False
        self.failures: dict[int, Failure] = {}
        """What each failed invocation says about it, by its number."""

    def connected(self) -> int:
        """Number a new invocation."""
        self._count += 1
        self._results.invocation(self._count)  # it counts from now on, whether it gets to say anything or not
        return self._count

    def stop(self) -> None:
        """From now on, a node that fails was cancelled: it counts as one that never ended, not as one that failed."""
        self._stopping = True

    def received(self, number: int, line: bytes) -> bool:
        """Take a line of an invocation; True if it was its last one and everything is collected."""
        if is_kind(line, "log") and b'"level":"warn"' not in line[:200]:
            self._pass_on(line + b"\n")
            return False
        event = _decode(line)
        if event is None:
            return False
        if isinstance(event, Failure):  # told at the end, if it is still one then: a script may go on
            self.failures[number] = event
            return False
        if self._stopping and isinstance(event, NodeFinished) and event.outcome is Outcome.FAILED:
            return False
        if isinstance(event, NodeFinished) and self._results.completed(event):
            return False
        self._pass_on(line + b"\n")
        self._note(event)
        if isinstance(event, InvocationFinished):
            self._collect(event.invocation)
        return isinstance(event, InvocationFinished)

    def hung_up(self, number: int) -> None:
        """Collect what an invocation left that did not end by itself."""
        self._collect(number)

    def _note(self, event: Event) -> None:
        match event:
            case InvocationStarted():
                invocation = self._results.invocation(event.invocation)
                invocation.command, invocation.selection = event.command, event.selection
                invocation.writes_results = event.writes_results
                logs = Path(event.log_path) if event.log_path else None
                self._places[event.invocation] = Places(event.at, logs, invocation_id=event.invocation_id)
                if logs is not None:
                    self._collector.begin_log(logs / "dbt.log")
            case ProjectLoaded() if event.invocation in self._places:
                self._places[event.invocation].target = Path(event.target_path)
                self._places[event.invocation].results = Path(event.results_path) if event.results_path else None
            case NodeStarted():
                self._results.started(event)
            case NodeFinished():
                self._results.finished(event)
            case Log():
                self._results.logged(event)
            case Artifact(rows=int(rows)):  # the table that a command was asked for; only one invocation runs then
                self._results.invocation(self._count).tables[event.name] = rows
            case InvocationFinished():
                invocation = self._results.invocation(event.invocation)
                invocation.exit_code, invocation.warned = event.exit_code, event.warnings

    def _collect(self, number: int) -> None:
        places = self._places.pop(number, None)
        if places is not None:
            invocation = self._results.invocation(number)
            ran_nodes = runs_nodes(invocation.command)
            invocation.artifacts = self._collector.collect(invocation.name, places, ran_nodes=ran_nodes)


def _decode(line: bytes) -> Event | None:
    """Return the event; None for a line that is not ours: whoever wrote it has found the socket of this run."""
    try:
        return decode(line.decode())
    except ValueError:
        return None
