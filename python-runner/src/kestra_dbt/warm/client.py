"""The side of a request that asks a warm process to carry it out. Standard library only, and little: it starts each."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys

from kestra_dbt.program import program
from kestra_dbt.warm.place import LIMITS_VARIABLE, SOCKET, VARIABLE, NotPossibleError, place_of
from kestra_dbt.warm.project_name import project_of
from kestra_dbt.wishes import Wishes

STARTED = b"s"
"""What a fork answers first; its exit code follows at the end, as text."""

GO = b"g"
"""What it waits for then: it begins only if whoever asked will not do the same by itself."""

_ANSWER_LIMIT_S = 30.0
_LOST_CODE = 137


def carry_out(wishes: Wishes, arguments: list[str], *, start: bool) -> int | None:
    """Have the command line ``arguments`` carried out in a warm process, if one is wanted.

    Args:
        wishes: of the request.
        arguments: of the runner.
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
        place, project = place_of(int(worker), program()), project_of(wishes, own_env())
        connection = _begun(place, project, arguments) if start else _found(place, project, arguments)
    except (NotPossibleError, OSError) as error:
        os.environ.pop(VARIABLE)
        say(f"Not in a warm process, because {error}: a plain one goes on.")
        return None
    if connection is None:
        return None
    with connection:
        return _wait(connection)


def connected(path: str) -> socket.socket | None:
    """Return a connection to whoever listens there; None if nobody does."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
        os.utime(path)
    except OSError:  # nobody has been there yet, or whoever was has died
        connection.close()
        return None
    return connection


def ask(
    connection: socket.socket, arguments: list[str], project: str | None = None, limit_s: float = _ANSWER_LIMIT_S
) -> socket.socket:
    """Ask for a request, and return the connection when it has begun; one that has not said so will never begin."""
    asked = {
        "arguments": arguments,
        "surroundings": {"folder": os.getcwd(), "env": own_env(), "umask": _umask()},  # noqa: PTH109
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


def say(sentence: str) -> None:
    """Write a line to the task's log."""
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def own_env() -> dict[str, str]:
    """Return the environment of the request."""
    return {name: value for name, value in os.environ.items() if name not in (VARIABLE, LIMITS_VARIABLE)}


def _found(place: str, project: str | None, arguments: list[str]) -> socket.socket | None:
    """Return the connection to what is there already; None if nothing is."""
    connection = connected(f"{place}/{project or SOCKET}")
    return ask(connection, arguments) if connection else None


def _begun(place: str, project: str | None, arguments: list[str]) -> socket.socket:
    from kestra_dbt.warm.starting import begun  # noqa: PLC0415 - most requests find one

    return begun(place, project, arguments)


def _wait(connection: socket.socket) -> int:
    """Return the exit code. Whoever stops this process hangs up with that, and the fork stops gracefully."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: connection.shutdown(socket.SHUT_WR))
    said = b""
    try:
        while part := connection.recv(16):
            said += part
    except ConnectionError:
        pass
    if said.strip().isdigit():
        return int(said)
    say("The process that carried this out was killed.")
    return _LOST_CODE


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
