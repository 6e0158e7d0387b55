"""The process of a dbt that is run as a command: its output, its JSON log, its stop."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from types import FrameType

from kestra_dbt.core.command_line import CommandLine
from kestra_dbt.stop_file import GRACE_S
from kestra_dbt.terms.text import clean

SIGNALLED = 128
"""What a shell adds to the number of the signal that ended a process."""

_LOOK_EVERY_S = 0.1
_LINES_KEPT = 20

_JOIN_S = 5.0
"""Seconds in which its error output has to end: what it left running may hold it open."""

_CONSOLE_OPTIONS = {"--log-format": 1, "--log-level": 1, "--quiet": 0, "-q": 0}
_FILE_OPTIONS = {"--log-format-file": 1, "--log-level-file": 1}
"""Options that would keep the JSON log from us, each with the number of its values."""

_FILE_DEFAULTS = {"DBT_LOG_FORMAT_FILE": "default", "DBT_LOG_LEVEL_FILE": "debug"}


class CommandProcess:
    """The process of a dbt, in the session of this one: a stop reaches both."""

    def __init__(self, command: str, arguments: list[str], line: CommandLine, *, muted: bool) -> None:
        self._muted = muted
        self._log = line.log_path() / "dbt.log"
        self._log_begin = self._log.stat().st_size if self._log.is_file() else 0
        self._said: deque[str] = deque(maxlen=_LINES_KEPT)
        self.interrupted = False
        """Whether this process was told to stop."""
        # SIGTERM stays ignored in dbt: it is told once to stop, by SIGINT, and then has its time to cancel its queries.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, self._interrupt)
        self._process = subprocess.Popen(
            [command, *_without(arguments, _CONSOLE_OPTIONS if muted else _FILE_OPTIONS)],
            stdout=subprocess.PIPE if muted else None,
            stderr=subprocess.PIPE,
            env={**os.environ, "DBT_LOG_PATH": str(self._log.parent), **_logging(muted=muted)},
        )
        signal.signal(signal.SIGTERM, self._interrupt)

    def run(self, take: Callable[..., None]) -> int:
        """Hand its lines to ``take`` until it has ended; return its exit code."""
        errors = threading.Thread(target=self._relay_errors, name="dbt-stderr", daemon=True)
        errors.start()
        for line in self._process.stdout or self._new_lines():
            take(line, plain=self._muted)
        code = self._process.wait()
        errors.join(_JOIN_S)
        for number in (signal.SIGINT, signal.SIGTERM):  # what remains is to report, which nothing should interrupt
            signal.signal(number, signal.SIG_IGN)
        return code if code >= 0 else SIGNALLED - code

    @property
    def said(self) -> str:
        """Return the last lines of its error output."""
        return clean("".join(self._said))

    def end_without_supervisor(self) -> None:
        """Stop dbt, and what else is in its group, as a supervisor would, which is gone."""
        self._process.send_signal(signal.SIGINT)
        time.sleep(GRACE_S)
        os.killpg(0, signal.SIGKILL)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as handlers are called
        """SIGINT reaches the whole session, dbt too; SIGTERM alone, as of `timeout 60 dbt build`, is handed on."""
        if number == signal.SIGTERM and not self.interrupted:
            self._process.send_signal(signal.SIGINT)
        self.interrupted = True

    def _relay_errors(self) -> None:
        for line in self._process.stderr or ():
            self._said.append(line.decode("utf-8", "replace"))
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()

    def _new_lines(self) -> Iterator[bytes]:
        """Yield the lines of dbt.log as they are written, until dbt has ended."""
        at, rest, running = self._log_begin, b"", True
        while running:
            running = self._process.poll() is None
            if self._log.is_file():
                at = at if at <= self._log.stat().st_size else 0  # it was begun anew
                with self._log.open("rb") as file:
                    file.seek(at)
                    data = file.read()
                at += len(data)
                *lines, rest = (rest + data).split(b"\n")
                yield from lines
            if running:
                time.sleep(_LOOK_EVERY_S)
        yield rest


def _logging(*, muted: bool) -> dict[str, str]:
    """Return the variables, the same for both engines, that have dbt write its JSON log where it is read."""
    if not muted:
        return {"DBT_LOG_FORMAT_FILE": "json", "DBT_LOG_LEVEL_FILE": "debug"}
    files = {name: os.environ.get(name, value) for name, value in _FILE_DEFAULTS.items()}
    return {"DBT_LOG_FORMAT": "json", "DBT_LOG_LEVEL": "debug", "DBT_QUIET": "false", **files}


def _without(arguments: list[str], options: Mapping[str, int]) -> list[str]:
    kept: list[str] = []
    given = iter(arguments)
    for argument in given:
        flag, equals, _ = argument.partition("=")
        if flag not in options:
            kept.append(argument)
        elif options[flag] and not equals:
            next(given, None)
    return kept
