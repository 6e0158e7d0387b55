"""Carries out a request for dbt Core: starts the child, passes on its events and output, keeps what it leaves.

The supervisor is a small process of its own, with one thread, so that nothing is lost when dbt crashes or is killed:
results, artifacts and the reason still get out.
"""

import contextlib
import os
import select
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable

from kestra_dbt.core.processes import Child
from kestra_dbt.core.reception import Reception
from kestra_dbt.core.stop import Stop, StopReport
from kestra_dbt.protocol import EVENT_PREFIX, Event, encode
from kestra_dbt.stop_file import GRACE_S, StopFile

_BEAT_S = 0.2
"""Seconds between two looks at what no descriptor tells: the stop file, and what a stop has come to."""

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

    def __init__(self, listener: socket.socket, reception: Reception, stop_file: StopFile) -> None:
        self._listener = listener
        self._reception = reception
        self._stop_file = stop_file
        self._selector = selectors.DefaultSelector()
        self._open_channels = 0
        self._stop: Stop | None = None
        self.stopped: StopReport | None = None
        """What a stop came to, if there was one."""

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
            self.stopped = self._stop.finish() if self._stop else None
            return code
        finally:
            signal.set_wakeup_fd(previous)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            self._selector.close()

    def _loop(self, child: Child) -> int:
        code: int | None = None
        deadline = 0.0
        while code is None or (self._is_streaming(child) and time.monotonic() < deadline):
            for key, _ in self._selector.select(timeout=_BEAT_S):
                key.data()
            self._look_after_stop(child)
            if code is None:
                code = child.ended()
            # The child may be a shell that ended at once, above a dbt that still cancels its queries.
            if code is None or (self._stop is not None and self._stop.is_awaited()):
                deadline = time.monotonic() + _DRAIN_S
        return code

    def _is_streaming(self, child: Child) -> bool:
        return self._open_channels > 0 or child.stdout in self._selector.get_map()

    def _look_after_stop(self, child: Child) -> None:
        grace_s = self._stop_file.take()
        if grace_s is None and _nobody_reads():
            grace_s = GRACE_S
        if grace_s is not None:
            self._begin_stop(child, grace_s)
        if self._stop is not None:
            self._stop.advance(dbt_runs=self._open_channels > 0)

    def _begin_stop(self, child: Child, grace_s: float) -> None:
        if self._stop is None:
            self._stop = Stop(child, grace_s)
            self._reception.stop()

    def _register(self, source: socket.socket | int, act: Callable[[], None]) -> None:
        self._selector.register(source, selectors.EVENT_READ, act)

    def _woken(self, wakeup: socket.socket, child: Child) -> None:
        numbers = wakeup.recv(64)
        if signal.SIGTERM in numbers or signal.SIGINT in numbers:
            self._begin_stop(child, GRACE_S)

    def _output(self, child: Child, lines: LineBuffer) -> None:
        data = os.read(child.stdout, 1 << 16)
        for line in lines.feed(data):
            write_plain(line)
        if not data:
            self._selector.unregister(child.stdout)
            os.close(child.stdout)

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        if self._stop is not None:  # a script that goes on after the interrupt: nothing new is begun
            with contextlib.suppress(ConnectionError), connection:
                connection.sendall(b"0\n")
            return
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
    """Write one whole line to the real standard output, as long as somebody reads it."""
    with contextlib.suppress(BrokenPipeError):
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


def _nobody_reads() -> bool:
    """Tell whether the reader of our output is gone: an orchestrator that died may do this run again elsewhere."""
    output = select.poll()
    output.register(sys.stdout.fileno(), 0)
    return any(event & select.POLLERR for _, event in output.poll(0))


def _note(number: int, frame: object) -> None:
    """Leave it to the wakeup descriptor: the loop acts, in its own time."""
