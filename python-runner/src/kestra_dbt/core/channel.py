"""The way from a dbt invocation to the supervisor: a Unix socket, events one way, two words the other.

On connecting, the supervisor answers with the number of the invocation, or with 0 if the run is being stopped; after
the InvocationFinished event it answers once the artifacts are collected, so that a next invocation can't overwrite
them before.
"""

import contextlib
import os
import select
import socket
import threading
from collections.abc import Callable
from pathlib import Path

from kestra_dbt.protocol import Event, encode

CHANNEL_VARIABLE = "KESTRA_DBT_CHANNEL"
"""Environment variable with the socket's path."""

STDOUT_VARIABLE = "KESTRA_DBT_STDOUT"
"""Environment variable that names the pipe to the task's log, so that an invocation can tell whether its output goes
there (its lines are then reported as events, once) or into the user's own pipe or file (which gets them as ever)."""

DEBUG_VARIABLE = "KESTRA_DBT_DEBUG"
"""Environment variable that is 1 if debug lines are wanted, too."""


class Channel:
    """The invocation's end. Its methods may be called from any thread."""

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._lock = threading.Lock()
        self._finished = False
        self.invocation = int(self._read_word())
        if not self.invocation:
            raise ConnectionAbortedError("the run is being stopped")

    @classmethod
    def from_environment(cls) -> "Channel | None":
        """Connect to the supervisor of this process; None if it has none.

        Raises:
            ConnectionError: it is gone, or it is stopping the run.
        """
        path = os.environ.get(CHANNEL_VARIABLE)
        if not path or not Path(path).is_socket():
            return None
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(path)
        return cls(connection)

    def send(self, event: Event) -> None:
        """Send one event, whole."""
        line = encode(event)
        with self._lock:
            self._socket.sendall(line)

    def when_broken(self, act: Callable[[], None]) -> None:
        """Have ``act`` called, on a thread of its own, should the supervisor die before this invocation is finished."""
        threading.Thread(target=self._watch, args=(act,), name="supervisor-watch", daemon=True).start()

    def finish(self) -> None:
        """Wait until the artifacts are collected, then hang up."""
        self._read_word()
        self._finished = True
        self._socket.shutdown(socket.SHUT_RDWR)  # wakes the watch, which would keep the connection open
        self._socket.close()

    def abandon(self) -> None:
        """Hang up in the middle, as a process that dies does, but wait until what it left is collected."""
        self._finished = True
        self._socket.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionError):
            while self._socket.recv(32):
                pass
        self._socket.close()

    def _watch(self, act: Callable[[], None]) -> None:
        broken = select.poll()
        broken.register(self._socket, 0)  # no data: that the other end is gone is told in any case
        broken.poll()
        if not self._finished:
            act()

    def _read_word(self) -> str:
        word = b""
        while not word.endswith(b"\n"):
            part = self._socket.recv(32)
            if not part:
                raise ConnectionError("the supervisor of this dbt invocation is gone")
            word += part
        return word.decode().strip()


def pipe_name(descriptor: int) -> str:
    """Name what is open as ``descriptor``, the same in every process that has it."""
    status = os.fstat(descriptor)
    return f"{status.st_dev}:{status.st_ino}"
