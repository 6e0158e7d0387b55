"""Carries out a request for dbt Core: starts the child, passes on its events and output, keeps what it leaves.

The supervisor is a small process of its own, with one thread, so that nothing is lost when dbt crashes or is killed:
results, artifacts and the reason still get out.
"""

import contextlib
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable

from kestra_dbt.core.processes import Child
from kestra_dbt.core.reception import Reception
from kestra_dbt.protocol import EVENT_PREFIX, Event, encode

GRACE_S = 10.0
"""Seconds between asking the child to stop and killing it."""

_DRAIN_S = 0.5
"""Seconds that are spent on the rest of the output after the child's end, should a process it left hold it open."""

_PIECE = 16_000
"""Bytes at most of a plain line; a longer one goes on in the next, for container logs cut lines at 16 KiB."""


class LineBuffer:
    """Cuts a stream into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that ``data`` completes, without their ends; no data means the end of the stream."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not data and self._rest:
            lines.append(self._rest)
            self._rest = b""
        return lines


class Supervisor:
    """Runs one child to its end."""

    def __init__(self, listener: socket.socket, reception: Reception) -> None:
        self._listener = listener
        self._reception = reception
        self._selector = selectors.DefaultSelector()
        self._open_channels = 0
        self.killed = False

    def run(self, start: Callable[[], Child]) -> int:
        """Start the child, and return its exit code once it has ended and all that it said has been passed on."""
        wakeup_reader, wakeup_writer = socket.socketpair()
        wakeup_writer.setblocking(False)
        wakeup_reader.setblocking(False)
        previous = signal.set_wakeup_fd(wakeup_writer.fileno())
        handlers = {number: signal.signal(number, _note) for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)}
        try:
            child = start()
            stdout = LineBuffer()
            self._register(self._listener, self._accept)
            self._register(wakeup_reader, lambda: self._woken(wakeup_reader, child))
            self._register(child.stdout, lambda: self._output(child, stdout))
            code = self._loop(child)
            child.signal(signal.SIGKILL)  # what a script left running would hold the task's output open
            return code
        finally:
            signal.set_wakeup_fd(previous)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            self._selector.close()

    def _loop(self, child: Child) -> int:
        code: int | None = None
        deadline: float | None = None
        while code is None or self._is_busy(child, deadline):
            for key, _ in self._selector.select(timeout=self._patience(code, deadline)):
                key.data()
            if code is None and (code := child.ended()) is not None:
                deadline = time.monotonic() + _DRAIN_S
            if code is None and self.killed and time.monotonic() > self._kill_at:
                child.signal(signal.SIGKILL)
        return code

    def _is_busy(self, child: Child, deadline: float | None) -> bool:
        streaming = self._open_channels > 0 or child.stdout in self._selector.get_map()
        return streaming and deadline is not None and time.monotonic() < deadline

    def _patience(self, code: int | None, deadline: float | None) -> float | None:
        if code is not None and deadline is not None:
            return max(0.0, deadline - time.monotonic())
        return 0.5 if self.killed else None

    def _register(self, source: socket.socket | int, act: Callable[[], None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, act)

    def _woken(self, wakeup: socket.socket, child: Child) -> None:
        numbers = wakeup.recv(64)
        if not self.killed and (signal.SIGTERM in numbers or signal.SIGINT in numbers):
            self.killed = True
            self._kill_at = time.monotonic() + GRACE_S
            child.signal(signal.SIGINT)

    def _output(self, child: Child, lines: LineBuffer) -> None:
        data = os.read(child.stdout, 1 << 16)
        for line in lines.feed(data):
            write_plain(line)
        if not data:
            self._selector.unregister(child.stdout)
            os.close(child.stdout)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        number = self._reception.connected()
        connection.sendall(f"{number}\n".encode())
        lines = LineBuffer()
        self._open_channels += 1
        self._register(connection, lambda: self._receive(connection, lines, number))

    def _receive(self, connection: socket.socket, lines: LineBuffer, number: int) -> None:
        try:
            data = connection.recv(1 << 18)
        except ConnectionError:
            data = b""
        for line in lines.feed(data):
            if self._reception.received(line):
                with contextlib.suppress(ConnectionError):  # it may have been killed while it waited
                    connection.sendall(b"collected\n")
        if not data:
            self._open_channels -= 1
            self._selector.unregister(connection)
            connection.close()
            self._reception.hung_up(number)


def write_event(event: Event) -> None:
    """Write one event to the real standard output."""
    write_line(encode(event))


def write_line(line: bytes) -> None:
    """Write one whole line to the real standard output."""
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


def write_plain(line: bytes) -> None:
    """Write a plain line: as UTF-8 whatever it was, a very long one in pieces, and never one that passes for an event.

    Only a line of Kestra's own outputs protocol must stay whole.
    """
    text = line.decode("utf-8", "replace").rstrip("\r").encode()
    if text.startswith(EVENT_PREFIX.encode()):
        text = b" " + text
    if len(text) <= _PIECE or text.startswith(b"::{"):
        write_line(text + b"\n")
        return
    for begin in range(0, len(text), _PIECE):
        piece = text[begin : begin + _PIECE]
        write_line(piece.decode("utf-8", "ignore").encode() + b"\n")


def _note(number: int, frame: object) -> None:
    """Leave it to the wakeup descriptor: the loop acts, in its own time."""
