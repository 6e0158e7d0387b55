"""Events as people read them in a terminal: progress on standard error, what was asked for on standard output."""

import contextlib
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kestra_dbt.protocol import (
    Artifact,
    Ended,
    Event,
    Failure,
    Level,
    Log,
    NodeFinished,
    Outcome,
    PlatformRun,
)
from kestra_dbt.report.results import rows_of_test

_COLUMNS = {
    "jobs.ion": ("id", "name", "project", "environment", "schedule", "last_run_status", "last_run_finished_at"),
    "runs.ion": ("id", "status", "job", "created_at", "duration", "cause"),
}
_WIDEST = 60

Row = Mapping[str, Any]


class Terminal:
    """Prints events."""

    def __init__(self, output: Path, *, as_json: bool = False) -> None:
        """``output``: folder of the files. ``as_json``: tables as one object a line, with all their columns."""
        self._output = output
        self._as_json = as_json
        self._run: PlatformRun | None = None
        self._files = 0

    def __call__(self, event: Event) -> None:
        """Print an event, if it is for people."""
        match event:
            case Log():
                _progress(f"{_MARKS.get(event.level, '')}{event.message}")
            case NodeFinished() if event.outcome in (Outcome.FAILED, Outcome.WARNING):
                rows = rows_of_test(event)
                text = f"{event.outcome.value}: {event.resource_type} {event.label}: {event.message or event.status}"
                _progress(f"{text}{f' (rows: {rows})' if rows else ''}")
            case PlatformRun():
                self._run = event
            case Artifact(rows=int()):
                self._table(event)
            case Artifact():
                self._files += 1
            case Failure():
                _progress(f"error: {event.sentence}")
                if event.detail:
                    _progress(event.detail)
            case Ended():
                self._ended(event)

    def _table(self, table: Artifact) -> None:
        lines = (self._output / table.file).read_text(encoding="utf-8").splitlines()
        if self._as_json:
            result(*lines)
        else:
            result(*as_table([json.loads(line) for line in lines], _COLUMNS[table.name]))

    def _ended(self, end: Ended) -> None:
        if end.reason:
            _progress(f"warning: {end.reason}")
        if self._run is not None:
            result(f"run {self._run.id}: {self._run.status} {self._run.details.get('url', '')}".rstrip())
        if end.summary.nodes:
            figures = end.summary.model_dump(include={"success", "warning", "failed", "skipped"})
            told = ", ".join(f"{count} {name}" for name, count in figures.items() if count)
            result(f"{end.summary.nodes} nodes: {told}")
        if self._files:
            result(f"{self._files} artifacts in {self._output}")


def as_table(rows: Sequence[Row], columns: Iterable[str]) -> list[str]:
    """Return ``rows`` as lines of a table."""
    names = list(columns)
    cells = [names, *([_cell(row.get(name)) for name in names] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(names))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def result(*lines: str) -> None:
    """Print what was asked for."""
    with contextlib.suppress(BrokenPipeError):  # as of `| head`
        sys.stdout.write("".join(f"{_printable(line)}\n" for line in lines))
        sys.stdout.flush()


def _progress(line: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        sys.stderr.write("".join(f"{_printable(part)}\n" for part in line.split("\n")))
        sys.stderr.flush()


def _printable(line: str) -> str:
    """Return ``line`` without what would steer the terminal."""
    return "".join(sign if sign.isprintable() else " " for sign in line)


_MARKS = {Level.WARN: "warning: ", Level.ERROR: "error: ", Level.DEBUG: "  "}


def _cell(value: object) -> str:
    text = "" if value is None else " ".join(_printable(str(value)).split())
    return f"{text[: _WIDEST - 1]}…" if len(text) > _WIDEST else text
