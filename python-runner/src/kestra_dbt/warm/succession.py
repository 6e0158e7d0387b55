"""A warm process that has been asked once is followed by a fork of it, which has practised what every request needs.

Whatever happens there, the process serves until the other one is at its place: it is where requests come to.
"""

from __future__ import annotations

import os
import signal
import socket
import traceback
from collections.abc import Callable

from kestra_dbt.core.system import name_process, threads

_LIMIT_S = 60


class Succession:
    """Happens once at most."""

    def __init__(self, serve: Callable[[Callable[[], None]], None]) -> None:
        """``serve``: what a successor does; it calls what it is given once requests find it."""
        self._serve = serve
        self._begun = False
        self._successor: socket.socket | None = None

    def begin(self) -> None:
        """Have a fork get ready, if that has not been tried."""
        if self._begun:
            return
        self._begun = True
        self._successor, theirs = socket.socketpair()
        with theirs:
            if os.fork() == 0:
                try:
                    self._become(theirs)
                except Exception:  # noqa: BLE001 - whatever it is, requests go on to this process
                    traceback.print_exc()
                finally:  # the frames above are those of whom it follows
                    os._exit(0)

    def _become(self, theirs: socket.socket) -> None:
        name_process("kestra-dbt next")
        os.setsid()
        if self._successor:
            self._successor.close()
        signal.alarm(_LIMIT_S)  # ends it
        from kestra_dbt.warm.practice import practise  # noqa: PLC0415 - dbt is there by now

        before = threads()
        practise()
        signal.alarm(0)
        if threads() <= before:  # a fork does not have those of an adapter, and would wait for them in vain
            self._serve(theirs.close)

    def sockets(self) -> list[socket.socket]:
        """Return what is to be listened to: something is there once the successor is, or will never be."""
        return [self._successor] if self._successor else []

    def look(self, ready: list[object]) -> None:
        """Listen no more to who is among what is ``ready``."""
        if self._successor and self._successor in ready:
            self._successor.close()
            self._successor = None
