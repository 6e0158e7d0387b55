"""Carries out a request for dbt Core: starts the child, passes on its events and output, keeps what it leaves.

The supervisor is a small process of its own, with one thread, so that nothing is lost when dbt crashes or is killed:
results, artifacts and the reason still get out.
"""

import contextlib
import os
import selectors
import signal
import socket
import time
from collections.abc import Callable

from kestra_dbt.core.processes import Child
from kestra_dbt.core.reception import Reception
from kestra_dbt.core.stop import Stop, StopReport
from kestra_dbt.standard_output import nobody_reads, write_plain
from kestra_dbt.stop_file import GRACE_S, StopFile

_BEAT_S = 0.2
"""Seconds between two looks at what no descriptor tells: the stop file, and what a stop has come to."""

_DRAIN_S = 0.5
"""Seconds of silence after the child's end that are taken for the end of its output, should a process it left hold it
open."""

_DRAIN_LIMIT_S = 60.0
"""Seconds after the child's end in which even a process that goes on talking is listened to."""


class LineBuffer:
    """Cuts a stream into lines."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def feed(self, data: bytes) -> list[bytes]:
        """Return the lines that ``data`` completes, without their ends."""
        first, *others = data.split(b"\n")
        self._parts.append(first)
        if not others:
            return []
        line = b"".join(self._parts)
        self._parts = [others.pop()]
        return [line, *others]

    def rest(self) -> list[bytes]:
        """Return what is left at the end of the stream: a line without an end, or nothing."""
        line = b"".join(self._parts)
        self._parts = []
        return [line] if line else []


class Supervisor:
    """Runs one child to its end."""

    def __init__(self, listener: socket.socket, reception: Reception, stop_file: StopFile) -> None:
        self._listener = listener
        self._reception = reception
        self._stop_file = stop_file
        self._selector = selectors.DefaultSelector()
        self._open_channels: dict[int, socket.socket] = {}
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
            if child.control is not None:
                self._register(child.control, lambda: None)  # the loop looks whether it has ended, as after a signal
            code = self._loop(child)
            child.kill_what_it_left()  # what a script left running would hold the task's output open
            for line in stdout.rest():
                write_plain(line)
            for number in list(self._open_channels):
                self._hang_up(number)
            self.stopped = self._stop.finish() if self._stop else None
            return code
        finally:
            signal.set_wakeup_fd(previous)
            for number, handler in handlers.items():
                signal.signal(number, handler)
            self._selector.close()

    def _loop(self, child: Child) -> int:
        code: int | None = None
        quiet_at, limit = time.monotonic() + _DRAIN_S, time.monotonic() + _DRAIN_LIMIT_S
        while code is None or (self._is_streaming(child) and time.monotonic() < min(quiet_at, limit)):
            told = self._selector.select(timeout=_BEAT_S)
            for key, _ in told:
                key.data()
            self._look_after_stop(child)
            if code is None:
                code = child.ended()
            # The child may be a shell that ended at once, above a dbt that still cancels its queries.
            awaited = code is None or (self._stop is not None and self._stop.is_awaited())
            if awaited:
                limit = time.monotonic() + _DRAIN_LIMIT_S
            if awaited or told:
                quiet_at = time.monotonic() + _DRAIN_S
        return code

    def _is_streaming(self, child: Child) -> bool:
        return bool(self._open_channels) or child.stdout in self._selector.get_map()

    def _look_after_stop(self, child: Child) -> None:
        grace_s = self._stop_file.take()
        if grace_s is None and nobody_reads():
            grace_s = GRACE_S
        if grace_s is not None:
            self._begin_stop(child, grace_s)
        if self._stop is not None:
            self._stop.advance(dbt_runs=bool(self._open_channels))

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
        for line in lines.feed(data) if data else lines.rest():
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
        with contextlib.suppress(ConnectionError):  # it may have gone already, which is read below
            connection.sendall(f"{number}\n".encode())
        lines = LineBuffer()
        self._open_channels[number] = connection
        self._register(connection, lambda: self._receive(connection, lines, number))

    def _receive(self, connection: socket.socket, lines: LineBuffer, number: int) -> None:
        try:
            data = connection.recv(1 << 18)
        except ConnectionError:
            data = b""
        for line in lines.feed(data):  # what is left of a line at the end is of one that was killed while it wrote
            if self._reception.received(number, line):
                with contextlib.suppress(ConnectionError):  # it may have been killed while it waited
                    connection.sendall(b"collected\n")
        if not data:
            self._hang_up(number)

    def _hang_up(self, number: int) -> None:
        connection = self._open_channels.pop(number)
        self._selector.unregister(connection)
        self._reception.hung_up(number)
        connection.close()  # an invocation may wait for this


def _note(number: int, frame: object) -> None:
    """Leave it to the wakeup descriptor: the loop acts, in its own time."""
