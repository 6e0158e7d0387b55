"""How a warm process is asked for a request. Standard library only, and little: each that finds one needs it."""

from __future__ import annotations

import json
import os
import socket
import sys

from kestra_dbt.warm.place import LIMITS_VARIABLE, VARIABLE, GoneError, NotPossibleError

STARTED = b"s"
"""What a fork answers first; its exit code follows at the end, as text."""

GO = b"g"
"""What it waits for then: it begins only if whoever asked will not do the same by itself."""

_ANSWER_LIMIT_S = 30.0


def connected(path: str) -> socket.socket | None:
    """Return a connection to whoever listens there; None if nobody does."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.connect(path)
    except OSError:  # nobody has been there yet, or whoever was has died
        connection.close()
        return None
    try:  # noqa: SIM105 - contextlib takes as long to load as all else here
        os.utime(path)
    except OSError:  # it carries out this last request, and is found no more
        pass
    return connection


def ask(
    connection: socket.socket, arguments: list[str], project: str | None = None, limit_s: float = _ANSWER_LIMIT_S
) -> socket.socket:
    """Ask for a request, and return the connection when it has begun; one that has not said so will never begin.

    Raises:
        GoneError: whoever was asked has died.
        NotPossibleError: there is no answer in time.
    """
    surroundings = {"folder": os.getcwd(), "env": own_env(), "umask": _umask()}  # noqa: PTH109
    try:
        connection.settimeout(limit_s)
        send(connection, [0, 1, 2], {"arguments": arguments, "surroundings": surroundings, "project": project})
        if connection.recv(1) != STARTED:
            raise ConnectionAbortedError("it said nothing")
        connection.sendall(GO)
    except ConnectionError as error:
        connection.close()
        raise GoneError(f"it has ended ({error})") from error
    except OSError as error:
        connection.close()  # so that it does not begin any more
        raise NotPossibleError(f"it does not answer ({error})") from error
    connection.settimeout(None)
    return connection


def send(connection: socket.socket, streams: list[int], asked: dict[str, object]) -> None:
    """Send what `Asked.receive` takes: open streams, and a line with the other fields."""
    socket.send_fds(connection, [b"r"], streams)
    connection.sendall(json.dumps(asked).encode() + b"\n")


def say(sentence: str) -> None:
    """Write a line to the task's log."""
    sys.stdout.write(sentence + "\n")
    sys.stdout.flush()


def own_env() -> dict[str, str]:
    """Return the environment of the request."""
    return {name: value for name, value in os.environ.items() if name not in (VARIABLE, LIMITS_VARIABLE)}


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
