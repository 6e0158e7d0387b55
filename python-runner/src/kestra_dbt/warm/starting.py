"""How a warm process is started by the first request that wants one. Standard library only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from kestra_dbt.warm.limits import VARIABLE as LIMITS_VARIABLE
from kestra_dbt.warm.place import SOCKET, NotPossibleError, forget_old, what_matters

_KEPT = ("PATH", "TMPDIR")

_LIMIT_S = 30.0
_LOOK_EVERY_S = 0.02


def connected(path: Path) -> socket.socket | None:
    """Return a connection to whoever listens there; None if nobody does."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(str(path))
        os.utime(path)
    except OSError:  # nobody has been there yet, or whoever was has died
        connection.close()
        return None
    return connection


def start_one(folder: Path, worker: int, program: Path) -> socket.socket:
    """Start a warm process, one however many ask together, and connect to it."""
    limit = time.monotonic() + _LIMIT_S
    with alone(folder / "lock", limit):
        found = connected(folder / SOCKET)
        if found:
            return found
        forget_old(folder.parent)
        import subprocess  # noqa: PLC0415 - most requests find one, and this one would take a while to load

        began, limits = time.monotonic(), os.environ.get(LIMITS_VARIABLE, "")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *_server(folder, program), str(folder), str(worker), limits],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                start_new_session=True,
                env={**what_matters(), **{name: os.environ[name] for name in _KEPT if name in os.environ}},
            )
        while time.monotonic() < limit:
            found = connected(folder / SOCKET)
            if found:
                took_s = time.monotonic() - began
                say(f"A warm process was started in {took_s:.1f} s for this request and the next ones.")
                return found
            if process.poll() is not None:
                raise NotPossibleError(f"it did not start: see {folder / 'log'}")
            time.sleep(_LOOK_EVERY_S)
        process.kill()
    raise NotPossibleError(f"it did not start within {_LIMIT_S:.0f} s")


def _server(folder: Path, program: Path) -> list[str]:
    """Return its program: a copy of this one, which outlasts the working directory of a task."""
    if program.is_file():
        shutil.copyfile(program, folder / "new")
        program = (folder / "new").replace(folder / "runner.pyz")
    return ["-c", f"import sys; sys.path.insert(0, {str(program)!r}); from kestra_dbt.warm.server import main; main()"]


@contextlib.contextmanager
def alone(file: Path, limit: float) -> Iterator[None]:
    """Hold the lock ``file``, which others have until ``limit`` to give up.

    Raises:
        NotPossibleError: they have not, or it can't be held.
    """
    try:
        handle = file.open("w")
    except OSError as error:
        raise NotPossibleError(f"its folder cannot be written to: {error}") from error
    with handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > limit:
                    raise NotPossibleError("another one takes too long to start it") from None
                time.sleep(_LOOK_EVERY_S)
        yield


def say(sentence: str) -> None:
    """Write a line to the task's log."""
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()
