"""dbt's structured events, translated into ours."""

import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import click

from kestra_dbt.core.commands import checks_sources, compiles_for_people, is_list
from kestra_dbt.core.nodes import Manifest, NodeFacts, facts_of
from kestra_dbt.core.status import outcome
from kestra_dbt.core.text import clean
from kestra_dbt.protocol import Event, InvocationStarted, Level, Log, NodeFinished, NodeStarted, Outcome, ProjectLoaded
from kestra_dbt.report.results import rows_of_test

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
        self, invocation: int, emit: Callable[[Event], None], *, selection: str | None, wanted: Wanted
    ) -> None:
        """``selection``: what is selected, for people."""
        self._invocation = invocation
        self._emit = emit
        self._selection = selection
        self._folder = Path.cwd()  # dbt names its folders from here, and moves into the one of the project
        self._wanted = wanted
        self._lists = False
        self._lock = threading.Lock()
        self._manifest: Manifest | None = None
        self._project_told = False
        self._context: dict[str, Any] = {}
        self._facts: dict[str, NodeFacts] = {}
        self._places: dict[str, tuple[int, int]] = {}
        self._finished_at: dict[str, datetime] = {}
        self._looks_only = False
        self._shows_ephemeral = False
        self._checks_sources = False
        self._in_batches: set[str] = set()
        self._tests_finished_at: dict[str, datetime] = {}
        self._queue_began: datetime | None = None
        self.warnings: Counter[str] = Counter()
        """How often dbt itself warned, by the names of its events."""
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
        """Report the results that no event told: hooks, and nodes that dbt skipped without a word."""
        with self._lock:
            for result in getattr(results, "results", None) or ():
                node = getattr(result, "node", None)
                unique_id = getattr(node, "unique_id", None)
                if unique_id and unique_id not in self._finished_at:
                    self._pass_on(self._finished_by_result(unique_id, result))

    def _pass_on(self, event: Event) -> None:
        """`docs generate` compiles every node again: of these only failures are worth telling."""
        unique_id = getattr(event, "unique_id", None)
        if not (self._looks_only and unique_id) or _tells_failure(event):
            self._emit(event)

    def _translate(self, message: Any) -> Iterator[Event]:  # noqa: ANN401
        self._look_at_context()
        name = message.info.name
        if message.info.level == "warn" and not name.startswith(_RECAPS):
            self.warnings[name] += 1
        if name == "MainReportVersion":
            yield self._started(message)
        if not self._project_told:
            yield from self._project()
        if name == "ConcurrencyLine":
            self._queue_began = _when(message.info.ts)
        if name in _PLACED:
            yield from self._placed(name, message)
        self._note_batches(name, message)
        if name == "NodeFinished":
            yield from self._finished(message)
        elif name == "PrintEvent":
            self._print(message.info.msg)
        elif name in _OPERATION_ERRORS:
            self.operation_error = clean(message.data.exc)
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
                yield self._rows_of_test(event)
            yield event

    def _look_at_context(self) -> None:
        """Take project and manifest from dbt's own click context, which is there on its main thread."""
        context = click.get_current_context(silent=True)
        if context is None or not isinstance(context.obj, dict):
            return
        self._context = context.obj
        if self._manifest is None:
            self._manifest = context.obj.get("manifest")

    def _started(self, message: Any) -> InvocationStarted:  # noqa: ANN401
        flags = self._context.get("flags")
        log_path = getattr(flags, "LOG_PATH", None)
        command = command_name(click.get_current_context(silent=True))
        self._looks_only = command == "docs generate"
        self._lists = self._wanted.kept and is_list(command)
        self._shows_ephemeral = compiles_for_people(command)
        self._checks_sources = checks_sources(command)
        return InvocationStarted(
            invocation=self._invocation,
            command=command,
            at=_when(message.info.ts),
            dbt_version=message.data.version.lstrip("="),
            log_path=str(Path(log_path).absolute()) if log_path else None,
            selection=self._selection,
            invocation_id=message.info.invocation_id or None,
            writes_results=bool(getattr(flags, "WRITE_JSON", True)),
        )

    def _project(self) -> Iterator[ProjectLoaded]:
        config = self._context.get("runtime_config")
        if config is None:
            return
        self._project_told = True
        results = getattr(self._context.get("flags"), "OUTPUT", None) if self._checks_sources else None
        yield ProjectLoaded(
            invocation=self._invocation,
            project=config.project_name,
            target=config.target_name,
            adapter=config.credentials.type,
            target_path=str(Path(self._folder, config.project_target_path)),
            results_path=str(Path(self._folder, config.project_root, results)) if results else None,
        )

    def _placed(self, name: str, message: Any) -> Iterator[NodeStarted]:  # noqa: ANN401
        """Note a node's place among all, known from the line with which dbt starts or skips it."""
        info, data = message.data.node_info, message.data
        self._places[info.unique_id] = (data.index, data.total)
        if name == "LogStartLine":
            yield NodeStarted(at=_node_time(info.node_started_at) or _when(message.info.ts), **self._identity(info))

    def _finished_by_event(self, message: Any) -> NodeFinished:  # noqa: ANN401
        info, result = message.data.node_info, message.data.run_result
        started = _node_time(info.node_started_at) or _when(message.info.ts)
        finished = _node_time(info.node_finished_at) or _when(message.info.ts)
        compiled = next((_when(t.started_at) for t in result.timing_info if t.name == "execute"), None)
        response = result.adapter_response.fields if result.HasField("adapter_response") else {}
        rows = response["rows_affected"].number_value if "rows_affected" in response else -1
        is_test = info.resource_type in ("test", "unit_test")
        has_rows = info.resource_type == "test" and outcome(result.status) in (Outcome.FAILED, Outcome.WARNING)
        return self._note_finished(
            NodeFinished(
                **self._identity(info),
                outcome=outcome(result.status),
                status=result.status,
                message=clean(result.message) or None,
                rows_affected=int(rows) if rows >= 0 else None,
                failures=result.num_failures if is_test and result.status not in ("skipped", "error") else None,
                queued_at=self._queued_at(info.unique_id, started),
                started_at=started,
                compiled_at=compiled if compiled and started <= compiled <= finished else None,
                finished_at=finished,
                execution_s=result.execution_time,
                thread=result.thread or None,
                relation=info.node_relation.relation_name or None,
                path=self._facts[info.unique_id].path or info.node_path or None,
                query=self._query(info.unique_id) if has_rows and result.status != "error" else None,
            )
        )

    def _query(self, unique_id: str) -> str | None:
        """Return what shows the rows that failed a test."""
        test = self._manifest.nodes.get(unique_id) if self._manifest else None
        if test is None:
            return None
        if test.relation_name:  # only tests that store their failures have one
            return f"select * from {test.relation_name}"  # noqa: S608 - for people to run
        compiled, target = Path(test.compiled_path or ""), self._context["runtime_config"].target_path
        return str(compiled.relative_to(target)) if compiled.is_relative_to(target) else None

    def _rows_of_test(self, test: NodeFinished) -> Log:
        return Log(
            invocation=self._invocation,
            level=Level.ERROR if test.outcome is Outcome.FAILED else Level.WARN,
            at=test.finished_at,
            message=f"Its rows: {rows_of_test(test)}",
            unique_id=test.unique_id,
        )

    def _finished_by_result(self, unique_id: str, result: Any) -> NodeFinished:  # noqa: ANN401
        now = datetime.now(timezone.utc)
        times = [t for step in result.timing for t in (step.started_at, step.completed_at) if t]
        started = _utc(min(times)) if times else now
        status = str(getattr(result.status, "value", result.status))
        facts = self._facts_of(unique_id, result.node.name)
        index, total = self._places.get(unique_id, (None, None))
        return self._note_finished(
            NodeFinished(
                invocation=self._invocation,
                unique_id=unique_id,
                label=facts.label,
                resource_type=str(getattr(result.node.resource_type, "value", result.node.resource_type)),
                parent=facts.parent,
                index=index,
                total=total,
                outcome=outcome(status),
                status=status,
                message=clean(result.message or "") or None,
                queued_at=started,
                started_at=started,
                finished_at=_utc(max(times)) if times else now,
                execution_s=result.execution_time,
                thread=result.thread_id or None,
                path=facts.path,
            )
        )

    def _note_finished(self, event: NodeFinished) -> NodeFinished:
        self._finished_at[event.unique_id] = event.finished_at
        if event.parent:
            latest = self._tests_finished_at.get(event.parent, event.finished_at)
            self._tests_finished_at[event.parent] = max(latest, event.finished_at)
        return event

    def _queued_at(self, unique_id: str, started: datetime) -> datetime:
        """A node is queued when the last of what it depends on is done; in a build, tests of these hold it back too."""
        facts = self._facts[unique_id]
        holding = (self._finished_at,) if facts.parent else (self._finished_at, self._tests_finished_at)
        done = [times[upstream] for upstream in facts.depends_on for times in holding if upstream in times]
        return min(max(done, default=self._queue_began or started), started)

    def _print(self, text: str) -> None:
        """Print what a macro prints, as dbt would have done: it may be meant for whoever reads the output."""
        if not self._wanted.quiet and not self._lists:  # a listing comes as a table
            sys.stdout.write(f"{clean(text)}\n")
            sys.stdout.flush()

    def _line(self, message: Any) -> Iterator[Log]:  # noqa: ANN401
        text = clean(message.info.msg)
        level = _LEVELS.get(message.info.level, Level.DEBUG)
        if not text or (level is Level.DEBUG and not self._wanted.debug):
            return
        unique_id = _unique_id(message.data)
        if unique_id in self._finished_at:
            return  # dbt's recap at the end repeats what the node's own log and message have
        if unique_id or not self._wanted.quiet:
            yield Log(
                invocation=self._invocation,
                level=level,
                at=_when(message.info.ts),
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
            self._facts[unique_id] = facts_of(unique_id, name, self._manifest)
        return self._facts[unique_id]


def _tells_failure(event: Event) -> bool:
    return getattr(event, "outcome", None) is Outcome.FAILED or getattr(event, "level", None) is Level.ERROR


def command_name(context: "click.Context | None") -> str:
    """Return dbt's command with its subcommands, as ``docs generate``."""
    words: list[str] = []
    while context is not None and context.parent is not None:
        words.insert(0, context.info_name or "")
        context = context.parent
    return " ".join(words) or "dbt"


def _unique_id(data: Any) -> str | None:  # noqa: ANN401
    info = getattr(data, "node_info", None)
    return (info.unique_id or None) if info is not None else None


def _when(timestamp: Any) -> datetime:  # noqa: ANN401
    return timestamp.ToDatetime(tzinfo=timezone.utc)  # type: ignore[no-any-return]


def _node_time(text: str) -> datetime | None:
    return _utc(datetime.fromisoformat(text.removesuffix("Z"))) if text else None


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=timezone.utc) if time.tzinfo is None else time.astimezone(timezone.utc)
