"""The side of a request that asks a warm process to carry it out. Standard library only: it has to start fast."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time
from pathlib import Path

from kestra_dbt.warm.limits import VARIABLE as LIMITS_VARIABLE
from kestra_dbt.warm.place import SOCKET, VARIABLE, NotPossibleError, place_of
from kestra_dbt.warm.project_name import PROJECT_SUFFIX, project_of
from kestra_dbt.warm.starting import alone, connected, say, start_one

STARTED = b"s"
"""What a fork answers first; its exit code follows at the end, as text."""

GO = b"g"
"""What it waits for then: it begins only if whoever asked will not do the same by itself."""

_PROJECT_LIMIT_S = 60.0
"""Seconds in which a project has to be in memory. One with 10,000 nodes takes some."""

_MOST_PROJECTS = 4
"""Processes at a time that have a project in memory. A new one takes the place of the one unused for longest."""

_ANSWER_LIMIT_S = 30.0
_LOST_CODE = 137


def carry_out(arguments: list[str], program: Path, *, start: bool) -> int | None:
    """Have the command line ``arguments`` carried out in a warm process, if one is wanted.

    Args:
        arguments: of the runner.
        program: its zip file or folder.
        start: whether to start one where none is found; then, nothing is left undone silently.

    Returns:
        Its exit code; None if this process has to do it, which has been said with the reason if one was wanted.
    """
    worker = os.environ.get(VARIABLE)
    if not worker:
        return None
    try:
        if not hasattr(os, "pidfd_open"):
            raise NotPossibleError("this system has no pidfd")
        if not worker.isdecimal():
            raise NotPossibleError(f"{VARIABLE} is {worker!r}, which is no process")
        folder = place_of(int(worker), program)
        connection = _begun(arguments, folder, int(worker), program) if start else _found(arguments, folder)
    except (NotPossibleError, OSError) as error:
        os.environ.pop(VARIABLE)
        say(f"Not in a warm process, because {error}: a plain one goes on.")
        return None
    if connection is None:
        return None
    with connection:
        return _wait(connection)


def _found(arguments: list[str], folder: Path) -> socket.socket | None:
    """Return the connection to a fork of what is there already; None if nothing is."""
    connection = connected(folder / (_project(arguments) or SOCKET))
    return _ask(connection, arguments) if connection else None


def _begun(arguments: list[str], folder: Path, worker: int, program: Path) -> socket.socket:
    """Return the connection to a fork that has begun with it; one that has not said so will never begin."""
    project = _project(arguments)
    if project is None:
        return _ask(connected(folder / SOCKET) or start_one(folder, worker, program), arguments)
    found = connected(folder / project)
    if found:
        return _ask(found, arguments)
    limit = time.monotonic() + _PROJECT_LIMIT_S
    with alone(folder / f"{project}.lock", limit):  # one reads the project, however many come together
        found = connected(folder / project)
        if found:
            return _ask(found, arguments)
        _make_room(folder)
        connection = connected(folder / SOCKET) or start_one(folder, worker, program)
        began = time.monotonic()
        connection = _ask(connection, arguments, project, limit - began)
        if (folder / project).exists():
            took_s = time.monotonic() - began
            say(f"The project was read in {took_s:.1f} s for this request and the next ones.")
        return connection


def _ask(
    connection: socket.socket, arguments: list[str], project: str | None = None, limit_s: float = _ANSWER_LIMIT_S
) -> socket.socket:
    asked = {
        "arguments": arguments,
        "surroundings": {"folder": str(Path.cwd()), "env": _env(), "umask": _umask()},
        "project": project,
    }
    try:
        connection.settimeout(limit_s)
        socket.send_fds(connection, [b"r"], [0, 1, 2])
        connection.sendall(json.dumps(asked).encode() + b"\n")
        if connection.recv(1) != STARTED:
            raise NotPossibleError("it has ended")
        connection.sendall(GO)
    except OSError as error:
        connection.close()  # so that it does not begin any more
        raise NotPossibleError(f"it does not answer ({error})") from error
    connection.settimeout(None)
    return connection


def _env() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in (VARIABLE, LIMITS_VARIABLE)}


def _project(arguments: list[str]) -> str | None:
    return project_of(Path(arguments[1]), _env())


def _make_room(folder: Path) -> None:
    """Send away processes that have a project in memory, until there are few enough for one more."""
    there = sorted(folder.glob(f"*{PROJECT_SUFFIX}"), key=_last_used)
    for path in there[: max(0, len(there) + 1 - _MOST_PROJECTS)]:
        path.unlink(missing_ok=True)  # whoever listens there notices


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _wait(connection: socket.socket) -> int:
    """Return the exit code. Whoever stops this process hangs up with that, and the fork stops gracefully."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: connection.shutdown(socket.SHUT_WR))
    said = b""
    with contextlib.suppress(ConnectionError):
        while part := connection.recv(16):
            said += part
    if said.strip().isdigit():
        return int(said)
    say("The process that carried this out was killed.")
    return _LOST_CODE


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
