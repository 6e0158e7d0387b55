"""dbt's structured events, translated into ours.

They come as dbt's protobuf messages, or as lines of its JSON log, which have the same structure (`json_log.py`).
"""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from kestra_dbt.core.context import Context
from kestra_dbt.protocol import Event, InvocationStarted, Level, Log, NodeFinished, NodeStarted, Outcome, ProjectLoaded
from kestra_dbt.terms.commands import compiles_for_people, is_list
from kestra_dbt.terms.lineage import lineage_of
from kestra_dbt.terms.nodes import NodeFacts, facts_of
from kestra_dbt.terms.results import (
    Queue,
    execution_began,
    finished_by_result,
    has_failing_rows,
    line_about_rows,
    query_of,
    rows_affected,
)
from kestra_dbt.terms.status import outcome
from kestra_dbt.terms.text import Cleaner, clean
from kestra_dbt.terms.times import when

_TOLD_OTHERWISE = frozenset({"MainEncounteredError", "MainStackTrace"})
"""Events whose text the failure of the run has."""

_PLACED = frozenset({"LogStartLine", "SkippingDetails"})
"""Events that tell a node's place among all."""

_OPERATION_ERRORS = frozenset({"RunningOperationCaughtError", "RunningOperationUncaughtError"})
"""Events that say why the macro of `run-operation` failed; its result has no message."""

_RECAPS = ("Log", "RunResultWarning", "EndOfRunSummary", "DeprecationsSummary")
"""How the names of events begin that are no warnings of their own: of how nodes ended, and what sums up others."""

_NEEDED_DEBUG = frozenset({"NodeFinished"})
"""Debug events that are more than lines."""

_LEVELS = {"debug": Level.DEBUG, "info": Level.INFO, "warn": Level.WARN, "error": Level.ERROR}


@dataclass(frozen=True)
class Wanted:
    """What of an invocation's lines is wanted."""

    debug: bool
    """Debug lines, too."""
    quiet: bool
    """Lines of nodes only, for the others are printed."""
    kept: bool
    """Not the result that `list` prints, for it becomes a table."""


class Translator:
    """Translates the events of one invocation, in the order in which they arrive.

    dbt calls back on its worker threads, so everything happens under one lock: ``emit`` is called in order, too.
    """

    def __init__(
        self,
        invocation: int,
        emit: Callable[[Event], None],
        context: Context,
        *,
        selection: str | None,
        wanted: Wanted,
    ) -> None:
        """``selection``: what is selected, for people."""
        self._invocation = invocation
        self._emit = emit
        self._selection = selection
        self._folder = Path.cwd()  # dbt names its folders from here, and moves into the one of the project
        self._wanted = wanted
        self._lists = False
        self._lock = threading.Lock()
        self._clean = Cleaner()
        self._project_told = False
        self._context = context
        self._facts: dict[str, NodeFacts] = {}
        self._places: dict[str, tuple[int | None, int | None]] = {}
        self._queue = Queue()
        self._command = ""
        self._looks_only = False
        self._shows_ephemeral = False
        self._in_batches: set[str] = set()
        self.warnings: Counter[str] = Counter()
        """How often dbt itself warned, by the names of its events."""
        self._errors: dict[str, str] = {}
        self._incomplete: dict[str, NodeFinished] = {}
        self.started = False
        """Whether dbt has said that it runs."""
        self.failed_nodes = False
        """Whether a node has failed."""
        self.operation_error: str | None = None
        """Why the macro of `run-operation` failed."""
        self.fault: Exception | None = None
        """The first error of this translation itself. dbt must not suffer from it, but the run has to tell it."""

    def __call__(self, message: Any) -> None:  # noqa: ANN401 - a protobuf message without types
        """Take one event of dbt."""
        info = message.info
        if info.level in ("debug", "test") and not self._wanted.debug and info.name not in _NEEDED_DEBUG:
            return
        try:
            with self._lock:
                for event in self._translate(message):
                    self._pass_on(event)
        except Exception as error:  # noqa: BLE001 - kept, and told by whoever asked dbt to run
            self.fault = self.fault or error

    def finish(self, results: object) -> None:
        """Report the results that no event told: hooks, and nodes that dbt skipped without a word.

        A node of which the events told less than its result has is reported once more, complete.
        """
        with self._lock:
            if self.started and not self._project_told:
                for event in self._project():
                    self._pass_on(event)
            for result in getattr(results, "results", None) or ():
                node = getattr(result, "node", None)
                unique_id = getattr(node, "unique_id", None)
                if unique_id in self._incomplete:
                    self._pass_on(_completed(self._incomplete[unique_id], result))
                elif unique_id and unique_id not in self._queue:
                    self._pass_on(self._finished_by_result(unique_id, result))

    def _pass_on(self, event: Event) -> None:
        """`docs generate` compiles every node again: of these only failures are worth telling."""
        unique_id = getattr(event, "unique_id", None)
        if not (self._looks_only and unique_id) or _tells_failure(event):
            self._emit(event)

    def _translate(self, message: Any) -> Iterator[Event]:  # noqa: ANN401
        self._context.look(message)
        name = message.info.name
        if message.info.level == "warn" and not name.startswith(_RECAPS):
            self.warnings[name] += 1
        if name == "MainReportVersion":
            yield self._started(message)
        if not self._project_told:
            yield from self._project()
        if name == "ConcurrencyLine":
            self._queue.began = when(message.info.ts)
        if name in _PLACED:
            yield from self._placed(name, message)
        self._note_batches(name, message)
        if name == "NodeFinished":
            yield from self._finished(message)
        elif name == "PrintEvent":
            self._print(message.info.msg)
        elif name in _OPERATION_ERRORS:
            self.operation_error = self._clean(message.data.exc)
        elif name not in _TOLD_OTHERWISE:
            yield from self._line(message)

    def _note_batches(self, name: str, message: Any) -> None:  # noqa: ANN401
        """Note which microbatch models are at their batches, each of which dbt reports as if it were the node."""
        if name == "LogStartBatch":
            self._in_batches.add(message.data.node_info.unique_id)
        elif name == "LogModelResult":
            self._in_batches.discard(message.data.node_info.unique_id)

    def _finished(self, message: Any) -> Iterator[Event]:  # noqa: ANN401
        info = message.data.node_info
        if info.unique_id in self._in_batches:
            return
        # dbt runs an ephemeral model as a part of those that read it, and leaves it out of its results.
        hidden = info.materialized == "ephemeral" and not self._shows_ephemeral
        if not hidden or outcome(message.data.run_result.status) is Outcome.FAILED:
            event = self._finished_by_event(message)
            if event.query:
                yield line_about_rows(event)
            yield event
            yield from lineage_of(event, self._command, self._context.manifest)

    def _started(self, message: Any) -> InvocationStarted:  # noqa: ANN401
        self.started = True
        log_path, command = self._context.log_path(), self._context.command()
        self._command = command
        self._looks_only = command == "docs generate"
        self._lists = self._wanted.kept and is_list(command)
        self._shows_ephemeral = compiles_for_people(command)
        return InvocationStarted(
            invocation=self._invocation,
            command=command,
            at=when(message.info.ts),
            dbt_version=message.data.version.lstrip("="),
            log_path=str(log_path.absolute()) if log_path else None,
            selection=self._selection,
            invocation_id=self._context.invocation_id(message),
            writes_results=self._context.writes_results(),
        )

    def _project(self) -> Iterator[ProjectLoaded]:
        project = self._context.project()
        if project is None:
            return
        self._project_told = True
        yield ProjectLoaded(
            invocation=self._invocation,
            project=project.name,
            target=project.target,
            adapter=project.adapter,
            target_path=str(Path(self._folder, project.target_path)),
            results_path=str(Path(self._folder, project.results_path)) if project.results_path else None,
        )

    def _placed(self, name: str, message: Any) -> Iterator[NodeStarted]:  # noqa: ANN401
        """Note a node's place among all, known from the line with which dbt starts or skips it."""
        info, data = message.data.node_info, message.data
        self._places[info.unique_id] = (data.index or None, data.total or None)  # Fusion does not count
        if name == "LogStartLine":
            yield NodeStarted(at=_node_time(info.node_started_at) or when(message.info.ts), **self._identity(info))

    def _finished_by_event(self, message: Any) -> NodeFinished:  # noqa: ANN401
        info, result = message.data.node_info, message.data.run_result
        started = _node_time(info.node_started_at) or when(message.info.ts)
        finished = _node_time(info.node_finished_at) or when(message.info.ts)
        compiled = next((when(t.started_at) for t in result.timing_info or () if t.name == "execute"), None)
        is_test = info.resource_type in ("test", "unit_test")
        event = self._note_finished(
            NodeFinished(
                **self._identity(info),
                outcome=outcome(result.status),
                status=result.status,
                message=self._clean(result.message) or self._errors.get(info.unique_id),
                rows_affected=rows_affected(result.adapter_response),
                failures=result.num_failures if is_test and result.status not in ("skipped", "error") else None,
                queued_at=self._queue.queued_at(self._facts[info.unique_id], started),
                started_at=started,
                compiled_at=compiled if compiled and started <= compiled <= finished else None,
                finished_at=finished,
                execution_s=result.execution_time,
                thread=result.thread or None,
                relation=(info.node_relation and info.node_relation.relation_name) or None,
                path=self._facts[info.unique_id].path or info.node_path or None,
                query=self._query(info.unique_id) if has_failing_rows(info.resource_type, result.status) else None,
            )
        )
        if result.timing_info is None:  # dbt Fusion tells little more than the status
            self._incomplete[info.unique_id] = event
        return event

    def _query(self, unique_id: str) -> str | None:
        """Return what shows the rows that failed a test."""
        manifest, project = self._context.manifest, self._context.project()
        test = manifest.nodes.get(unique_id) if manifest else None
        return query_of(test, project.target_path if project else None)

    def _finished_by_result(self, unique_id: str, result: Any) -> NodeFinished:  # noqa: ANN401
        facts = self._facts_of(unique_id, result.node.name)
        place = self._places.get(unique_id, (None, None))
        return self._note_finished(finished_by_result(self._invocation, result, facts, place))

    def _note_finished(self, event: NodeFinished) -> NodeFinished:
        self._queue.finished(event)
        self.failed_nodes |= event.outcome is Outcome.FAILED
        return event

    def _print(self, text: str) -> None:
        """Print what a macro prints, as dbt would have done: it may be meant for whoever reads the output."""
        if not self._wanted.quiet and not self._lists:  # a listing comes as a table
            sys.stdout.write(f"{self._clean(text)}\n")
            sys.stdout.flush()

    def _line(self, message: Any) -> Iterator[Log]:  # noqa: ANN401
        text = self._clean(message.info.msg)
        level = _LEVELS.get(message.info.level, Level.DEBUG)
        if not text or (level is Level.DEBUG and not self._wanted.debug):
            return
        unique_id = _unique_id(message.data)
        if unique_id and level is Level.ERROR:
            self._errors[unique_id] = text
        if unique_id and unique_id in self._queue:
            return  # dbt's recap at the end repeats what the node's own log and message have
        if unique_id or not self._wanted.quiet:
            yield Log(
                invocation=self._invocation,
                level=level,
                at=when(message.info.ts),
                message=text,
                unique_id=unique_id,
            )

    def _identity(self, info: Any) -> dict[str, Any]:  # noqa: ANN401
        facts = self._facts_of(info.unique_id, info.node_name)
        index, total = self._places.get(info.unique_id, (None, None))
        return {
            "invocation": self._invocation,
            "unique_id": info.unique_id,
            "label": facts.label,
            "resource_type": info.resource_type,
            "parent": facts.parent,
            "index": index,
            "total": total,
        }

    def _facts_of(self, unique_id: str, name: str) -> NodeFacts:
        if unique_id not in self._facts:
            self._facts[unique_id] = facts_of(unique_id, name, self._context.manifest)
        return self._facts[unique_id]


def _tells_failure(event: Event) -> bool:
    return getattr(event, "outcome", None) is Outcome.FAILED or getattr(event, "level", None) is Level.ERROR


def _unique_id(data: Any) -> str | None:  # noqa: ANN401
    info = getattr(data, "node_info", None)
    return (info.unique_id or None) if info is not None else None


def _completed(event: NodeFinished, result: Any) -> NodeFinished:  # noqa: ANN401
    """Return ``event`` with what only the node's entry in run_results.json tells."""
    compiled = execution_began(result)
    within = compiled and event.started_at <= compiled <= event.finished_at
    told = {
        "message": event.message or clean(result.message) or None,
        "rows_affected": rows_affected(result.adapter_response),
        "failures": event.failures if event.failures is not None else result.failures,
        "compiled_at": compiled if within else None,
        "thread": result.thread_id or None,
    }
    return event.model_copy(update={name: value for name, value in told.items() if value is not None})


def _node_time(text: str | None) -> datetime | None:
    return when(text) if text else None
