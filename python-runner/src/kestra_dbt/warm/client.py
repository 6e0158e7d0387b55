"""The side of a request that asks a warm process to carry it out. Standard library only, and little: it starts each."""

from __future__ import annotations

import os
import signal
import socket

from kestra_dbt.program import program
from kestra_dbt.warm.asking import ask, connected, own_env, say
from kestra_dbt.warm.place import SOCKET, VARIABLE, GoneError, NotPossibleError, place_of
from kestra_dbt.warm.project_name import PACKED, project_of
from kestra_dbt.wishes import Wishes

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
        if isinstance(error, GoneError) and not start:
            return None  # another one is started next
        os.environ.pop(VARIABLE)
        say(f"Not in a warm process, because {error}: a plain one goes on.")
        return None
    if connection is None:
        return None
    with connection:
        return _wait(connection)


def _found(place: str, project: str | None, arguments: list[str]) -> socket.socket | None:
    """Return the connection to what is there already; None if nothing is."""
    own = connected(f"{place}/{project}") if project else None
    if own or (project and project.endswith(PACKED)):
        return ask(own, arguments) if own else None
    connection = connected(f"{place}/{SOCKET}")
    return ask(connection, arguments, project) if connection else None


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
