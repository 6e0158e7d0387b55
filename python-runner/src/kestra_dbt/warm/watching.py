"""Requests in a process below this one, each of which is stopped if whoever asked is gone."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys
import time
from typing import NoReturn

from kestra_dbt.core.system import adopt_orphans, descendants, let_go_of_place
from kestra_dbt.warm.asked import Asked
from kestra_dbt.warm.asking import GO, STARTED
from kestra_dbt.warm.carrying import DONE, carry_out
from kestra_dbt.warm.crews import next_connection, say_idle
from kestra_dbt.warm.limits import Limits

_KILL_AFTER_S = 20.0
"""Seconds in which the runner has to have stopped what it runs, and a dbt itself: the grace, and some."""

_LOOK_EVERY_S = 0.1


def watch(first: Asked, warm: socket.socket | None, limits: Limits) -> int:
    """Carry out ``first`` in a process below this one, and answer how it ended; then what else comes.

    Args:
        first: what is asked.
        warm: where the warm process hands over next requests, if this process and those below may have several.
        limits: what ends these after a request.
    """
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    adopt_orphans()
    runner: _Runner | None = None
    asked: Asked | None = first
    while asked and _is_to_begin(asked.connection):
        if runner:
            asked.pass_on(runner.back)
        else:
            runner = _Runner(asked, warm, limits)
        asked.let_go()
        code = runner.code(asked.connection)
        goes_on = warm is not None and runner.is_idle and say_idle(warm)
        with asked.connection, contextlib.suppress(OSError):
            asked.connection.sendall(b"%d" % code)
        asked = _next(warm, runner) if warm is not None and goes_on else None
    if warm:
        warm.close()  # no more requests are handed over from now on
    if runner:
        runner.back.close()
    _see_to_the_end()
    return 0


def end(code: int) -> NoReturn:
    """End this process at once: the frames above are those of whoever forked it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


class _Runner:
    """The process below."""

    def __init__(self, first: Asked, warm: socket.socket | None, limits: Limits) -> None:
        self.back, theirs = socket.socketpair()
        """Where it takes further requests."""
        self.is_idle = False
        watching = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            first.connection.close()
            self.back.close()
            if warm:
                warm.close()
            end(carry_out(first, watching, theirs if warm else None, limits))
        theirs.close()
        self.ended = os.pidfd_open(self._pid)
        let_go_of_place(0, 1, 2)

    def code(self, connection: socket.socket) -> int:
        """Return the exit code of the request that it is at, which is stopped if nobody waits at the connection."""
        ready, _, _ = select.select([connection, self.back, self.ended], [], [])
        if ready == [connection]:
            os.kill(self._pid, signal.SIGTERM)
            if not select.select([self.back, self.ended], [], [], _KILL_AFTER_S)[0]:
                os.kill(self._pid, signal.SIGKILL)
        select.select([self.back, self.ended], [], [])
        with contextlib.suppress(BlockingIOError):
            self.is_idle = self.back.recv(1, socket.MSG_DONTWAIT) == DONE
        if self.is_idle:
            return 0
        code = os.waitstatus_to_exitcode(os.waitpid(self._pid, 0)[1])
        return code if code >= 0 else 128 - code


def _is_to_begin(connection: socket.socket) -> bool:
    connection.sendall(STARTED)
    begin = connection.recv(1) == GO
    connection.settimeout(None)
    return begin


def _next(warm: socket.socket, runner: _Runner) -> Asked | None:
    ready, _, _ = select.select([warm, runner.ended], [], [])
    connection = next_connection(warm) if runner.ended not in ready else None
    return Asked.receive(connection) if connection else None


def _see_to_the_end() -> None:
    """Have all that is left end: a dbt whose supervisor was killed cancels its queries, unless it hangs."""
    kill_at = time.monotonic() + _KILL_AFTER_S
    while (left := descendants(os.getpid())) and time.monotonic() < kill_at + _KILL_AFTER_S:
        if time.monotonic() > kill_at:
            for process in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
        time.sleep(_LOOK_EVERY_S)
