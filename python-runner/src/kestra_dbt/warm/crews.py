"""The crews of a warm process: the processes of a request stay together for a next one, if theirs went well."""

from __future__ import annotations

import contextlib
import os
import socket
import time

IDLE = b"i"
"""What a crew says when it is ready for a next request, whose connection it gets then."""

_MOST_IDLE = max(2, os.cpu_count() or 1)
_IDLE_S = 60.0
"""Seconds that one waits: its memory is its own, not shared as that of a new fork is."""


class Crews:
    """Those that a warm process has begun. They end when it is gone, or lets go of them, once they are idle."""

    def __init__(self) -> None:
        self._busy: list[socket.socket] = []
        self._idle: dict[socket.socket, float] = {}

    def sockets(self) -> list[socket.socket]:
        """Return what is to be listened to."""
        return [*self._busy, *self._idle]

    def begin(self) -> socket.socket:
        """Return the end for a new crew, which has a request already."""
        ours, theirs = socket.socketpair()
        self._busy.append(ours)
        return theirs

    def take(self, connection: socket.socket) -> bool:
        """Hand a request to an idle crew, the one that was busy last; False if there is none."""
        while self._idle:
            crew, _ = self._idle.popitem()
            try:
                socket.send_fds(crew, [IDLE], [connection.fileno()])
            except OSError:  # it has died
                crew.close()
            else:
                self._busy.append(crew)
                return True
        return False

    def look(self, ready: list[object]) -> None:
        """Note what those say who are among what is ``ready``."""
        for crew in self.sockets():
            if crew in ready:
                self._heard(crew)

    def _heard(self, crew: socket.socket) -> None:
        """Note what a crew says: that it is idle, or nothing any more."""
        said = b""
        with contextlib.suppress(OSError):
            said = crew.recv(1)
        if crew in self._busy:
            self._busy.remove(crew)
        else:
            self._idle.pop(crew)
        if said == IDLE and len(self._idle) < _MOST_IDLE:
            self._idle[crew] = time.monotonic()
        else:
            crew.close()

    def dismiss(self) -> None:
        """Let go of those that have been idle for long."""
        for crew in [crew for crew, since in self._idle.items() if since < time.monotonic() - _IDLE_S]:
            self._idle.pop(crew)
            crew.close()

    def leave(self) -> None:
        """Let go of all."""
        for crew in self.sockets():
            crew.close()
        self._busy, self._idle = [], {}


def say_idle(warm: socket.socket) -> bool:
    """Tell that this crew is ready for a next request; False if nobody hears it."""
    try:
        warm.sendall(IDLE)
    except OSError:
        return False
    return True


def next_connection(warm: socket.socket) -> socket.socket | None:
    """Return the connection of the next request; None if there is to be none."""
    try:
        said, descriptors, _, _ = socket.recv_fds(warm, 1, 1)
    except OSError:
        return None
    return socket.socket(fileno=descriptors[0]) if said and descriptors else None
