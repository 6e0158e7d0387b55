"""The artifacts of a dbt invocation, collected from where dbt really wrote them, and only what it wrote itself."""

import contextlib
import mmap
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from kestra_dbt.report.artifact_names import ARTIFACTS, ArtifactNames
from kestra_dbt.report.output import OutputFolder

RESULTS = frozenset({"run_results.json", "sources.json"})
"""Where dbt writes how nodes ended; `source freshness` has a file of its own."""

_METADATA = 64_000
"""Bytes at the begin of an artifact in which its metadata has to be."""

_SQL_FOLDERS = ("compiled", "run")

_BEGIN = re.compile(rb"^(?:=+ [\d:.]+ \| [0-9a-f-]+ =+$|\{.*\"MainReportVersion\")", re.MULTILINE)
"""What dbt writes into its log when an invocation starts: a heading, or in a JSON log its first event."""

_CLOCK_TICK = timedelta(milliseconds=20)
"""File times may lag behind the clock by a tick of the kernel."""


@dataclass
class Places:
    """Where an invocation writes, and how what it wrote is told from what lay there before."""

    started: datetime
    logs: Path | None = None
    target: Path | None = None
    results: Path | None = None
    """File of the results, where it is named otherwise (`source freshness --output`)."""
    invocation_id: str | None = None


class Collector:
    """Collects after each invocation, before a next one may overwrite anything."""

    def __init__(self, output: OutputFolder, leave_out: frozenset[str] = frozenset()) -> None:
        """``leave_out``: names of artifacts that are not wanted."""
        self._output = output
        self._leave_out = leave_out
        self._log_ends: dict[Path, int] = {}
        self._names = ArtifactNames(output)

    def begin_log(self, log: Path) -> None:
        """Note where an invocation that just started writes on in dbt's log: what stands before is not of this run."""
        if log not in self._log_ends and log.is_file():
            self._log_ends[log] = _last_begin(log)

    def collect(self, invocation: str, places: Places, *, ran_nodes: bool) -> list[str]:
        """Collect what the invocation of this name wrote, and return the names; what isn't there is no error."""
        since = (places.started - _CLOCK_TICK).timestamp()
        names = []
        if places.target is not None:
            written = ((n, source) for n, source in _written(places, since) if n not in self._leave_out)
            names += [name for name, source in written if self._take(source, invocation, name)]
            if self._take_sql(places.target, since, invocation):
                names.append("target.zip")
        if places.logs is not None and self._take_log(places.logs / "dbt.log", invocation):
            names.append("dbt.log")
        self._names.announce(invocation, names, ran_nodes=ran_nodes)
        return names

    def announce_by_invocation(self) -> None:
        """Where there were several invocations, make the artifacts of each one known under its name, too."""
        self._names.announce_by_invocation()

    def _take(self, source: Path, invocation: str, name: str) -> bool:
        with _told(name):
            return self._output.copy(source, f"{invocation}/{name}")
        return False

    def _take_sql(self, target: Path, since: float, invocation: str) -> bool:
        with _told("target.zip"):
            sql = [file for folder in _SQL_FOLDERS for file in _files_below(target / folder, since)]
            return self._output.zip(target, sql, f"{invocation}/target.zip")
        return False

    def _take_log(self, log: Path, invocation: str) -> bool:
        """dbt appends to its log: each invocation gets its own part."""
        if not log.is_file():
            return False
        with _told("dbt.log"):
            end = log.stat().st_size
            begin = self._log_ends.get(log, 0)
            self._log_ends[log] = end
            return self._output.copy(log, f"{invocation}/dbt.log", begin if begin <= end else 0)
        return False


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    """Tell what kept an artifact from being collected, and go on: a full disk must not cost the others, nor the end."""
    try:
        yield
    except OSError as error:
        print(f"{name} could not be kept: {error.strerror}: {error.filename}", file=sys.stderr, flush=True)  # noqa: T201


def _written(places: Places, since: float) -> Iterator[tuple[str, Path]]:
    for source, name in ARTIFACTS.items():
        file = places.target / source if places.target else Path(source)
        if name == "sources.json" and places.results:
            file = places.results
        if file.is_file() and file.stat().st_mtime >= since and _is_of(file, name, places.invocation_id):
            yield name, file


def _is_of(file: Path, name: str, invocation_id: str | None) -> bool:
    """Tell whether results are those of this invocation, not of another one that writes to the same folder."""
    if name not in RESULTS or not invocation_id:
        return True
    with file.open("rb") as content:  # dbt writes its metadata first
        return f'"{invocation_id}"'.encode() in content.read(_METADATA)


def _files_below(folder: Path, since: float) -> Iterator[Path]:
    """Yield the files that are newer than ``since``; links are left alone, for they may lead anywhere."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and not file.is_symlink() and file.stat().st_mtime >= since:
            yield file


def _last_begin(log: Path) -> int:
    """Return where the last invocation in a log begins; it may have written a lot since, so all of it is searched."""
    if not log.stat().st_size:
        return 0
    with log.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return max((found.start() for found in _BEGIN.finditer(content)), default=0)
