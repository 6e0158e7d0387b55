"""What is told of a run while it goes on: its status, its steps, their lines."""

import time
from dataclasses import dataclass, field
from datetime import datetime, timezone

from kestra_dbt.platform.api.calls import Api
from kestra_dbt.platform.api.models import Run, Step
from kestra_dbt.platform.api.statuses import ERROR, SUCCESS, WORDS, has_ended, step_has_ended, word
from kestra_dbt.platform.steps import DbtStep, LogLines, dbt_steps, in_order, level_of, title
from kestra_dbt.platform.telling import Telling
from kestra_dbt.protocol import InvocationStarted, Level, Log
from kestra_dbt.report.results import Results
from kestra_dbt.terms.times import when

_WAITING = ("queued", "starting")


@dataclass
class _Seen:
    """What was told of a step."""

    lines: LogLines = field(default_factory=LogLines)
    ended: bool = False


class Progress:
    """Of one run."""

    def __init__(self, api: Api, telling: Telling, results: Results) -> None:
        self._api = api
        self._telling = telling
        self._results = results
        self._steps: dict[int, _Seen] = {}
        self._word = ""
        self._since = time.monotonic()

    def take(self, run: Run) -> None:
        """Tell what is new."""
        self._telling.run(run)
        if not has_ended(run):
            self._status(run)
        with_dbt = {found.step.index: found for found in dbt_steps(run)}
        number = 0
        for step in in_order(run):
            found = with_dbt.get(step.index)
            number = found.invocation if found else number
            # what comes before dbt, as a clone, is told as the beginning of what follows
            self._telling.invocation = found.invocation if found else number + 1
            if _has_begun(step):
                self._step(run, step, found)
        self._telling.invocation = max(number, 1)
        if has_ended(run):
            self._status(run)

    def _status(self, run: Run) -> None:
        now = word(run)
        if now == self._word:
            return
        seconds = time.monotonic() - self._since
        before, self._word, self._since = self._word, now, time.monotonic()
        say = self._telling.say
        if before in _WAITING and now not in _WAITING:
            say(Level.INFO, f"Run {run.id} is no longer {before}, after {seconds:.0f} s.")
        if run.status not in WORDS:
            say(Level.WARN, f"Run {run.id} has the status {run.status}, which is not known: it is followed on.")
        elif has_ended(run):
            message = f": {run.status_message}" if run.status_message else ""
            level = Level.INFO if run.status == SUCCESS else Level.ERROR
            say(level, f"Run {run.id} has ended: {now}{message}.")
        else:
            say(Level.INFO, f"Run {run.id} is {now}.")

    def _step(self, run: Run, step: Step, found: DbtStep | None) -> None:
        if step.index not in self._steps:
            self._steps[step.index] = _Seen()
            if found:
                self._invocation(run, found)
            self._telling.say(Level.INFO, f"{title(step)} began.")
        seen = self._steps[step.index]
        over = step_has_ended(step) or has_ended(run)
        for line in seen.lines.new(self._log_of(step, seen), ended=over):
            self._line(line)
        if over and not seen.ended:
            seen.ended = True
            failed = step.status == ERROR
            took = f" after {step.duration}" if step.duration else ""
            text = f"{title(step)} {'failed' if failed else 'ended'}{took}."
            self._telling.say(Level.ERROR if failed else Level.INFO, text)

    def _log_of(self, step: Step, seen: _Seen) -> str:
        """Return the log of a step; the list of steps need not have it."""
        if step.logs is None and step.id is not None and not seen.ended:
            alone = self._api.step(step.id)
            return (alone and alone.logs) or ""
        return step.logs or ""

    def _line(self, text: str) -> None:
        now = datetime.now(timezone.utc)
        self._telling.emit(Log(invocation=self._telling.invocation, level=level_of(text), at=now, message=text))

    def _invocation(self, run: Run, found: DbtStep) -> None:
        invocation = self._results.invocation(found.invocation)
        invocation.command, invocation.selection = found.command, found.selection
        self._telling.emit(
            InvocationStarted(
                invocation=found.invocation,
                command=found.command,
                at=moment(found.step.started_at),
                dbt_version=run.dbt_version or "",
                selection=found.selection,
            )
        )


def moment(text: str | None) -> datetime:
    """Return a time of the platform; now, if it can't be read."""
    try:
        return when(text) if text else datetime.now(timezone.utc)
    except ValueError:
        return datetime.now(timezone.utc)


def _has_begun(step: Step) -> bool:
    return bool(step.started_at or step.logs) or step_has_ended(step)
