"""The warm process: has imported dbt, runs nothing itself, and forks for each request.

It has one thread. A request gets two processes: one that watches whether whoever asked is still there, and below it the
runner as ever. So a request goes on, and is answered, also when the warm process itself is killed.

The first request for a packed project makes a warm process of its own out of its first fork: it has the project in
memory, too, and serves those that come for the same.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

from kestra_dbt.core.system import name_process
from kestra_dbt.warm.asked import Asked
from kestra_dbt.warm.imports import import_all
from kestra_dbt.warm.limits import Limits
from kestra_dbt.warm.place import SOCKET
from kestra_dbt.warm.project import have_ready
from kestra_dbt.warm.watching import end, watch

_LOOK_EVERY_S = 10.0
_FIRST_S = 1.0
"""Seconds in which whoever has started this process asks at the latest."""


def main() -> None:
    """Serve in the folder of the first argument, for the process that is the second one, within the third's limits."""
    folder, worker, limits = Path(sys.argv[1]), int(sys.argv[2]), Limits.from_text(sys.argv[3])
    worker_end = os.pidfd_open(worker)
    import_all()
    _Server(folder / SOCKET, worker_end, limits).serve()


class _Server:
    """Listens at a socket, and forks."""

    def __init__(self, path: Path, worker_end: int, limits: Limits) -> None:
        name_process("kestra-dbt warm")
        gc.collect()
        gc.freeze()  # or a collection in a fork would copy all that is shared with it
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the watching processes
        self._path = path
        self._worker_end = worker_end
        self._limits = limits
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        path.unlink(missing_ok=True)  # only one starts at a time, and nobody answered there
        self._listener.bind(str(path))
        path.chmod(0o600)
        self._inode = path.stat().st_ino
        self._listener.listen(socket.SOMAXCONN)

    def serve(self, first: Asked | None = None) -> None:
        """Fork for each request, the one that is there already and those that come, until there is a reason to end."""
        if first:
            self._fork(first.connection, lambda _: self._watch(first))
            first.let_go()
        limits, began = self._limits, time.monotonic()
        idle_s = max(limits.idle_s, _FIRST_S)
        runs, asked_at = (1 if first else 0), began
        while (now := time.monotonic()) < asked_at + idle_s:
            if runs and (runs >= limits.runs or now >= began + limits.age_s or limits.is_too_large()):
                break
            wait_s = min(_LOOK_EVERY_S, asked_at + idle_s - now)
            ready, _, _ = select.select([self._listener, self._worker_end], [], [], wait_s)
            if self._worker_end in ready:
                break
            if ready:
                connection, _ = self._listener.accept()
                self._fork(connection, self._carry_out)
                runs, asked_at = runs + 1, time.monotonic()
            elif not self._is_wanted():
                break
        self._leave()

    def _leave(self) -> None:
        """Be found no more, and carry out what has been asked until now."""
        if self._is_wanted():
            self._path.unlink(missing_ok=True)
        self._listener.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                connection, _ = self._listener.accept()
                self._fork(connection, self._carry_out)

    def _is_wanted(self) -> bool:
        """Tell whether whoever looks for this process still finds it: its place may have been needed."""
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _fork(self, connection: socket.socket, work: Callable[[socket.socket], int]) -> None:
        with connection:
            if os.fork() == 0:
                try:
                    self._listener.close()
                    os.setsid()
                    end(work(connection))
                finally:  # the frames above are the warm process's, not ours to go on in
                    os._exit(1)

    def _carry_out(self, connection: socket.socket) -> int:
        asked = Asked.receive(connection)
        if asked.project and have_ready(asked):
            _Server(self._path.parent / asked.project, self._worker_end, self._limits).serve(asked)
            return 0
        return self._watch(asked)

    def _watch(self, asked: Asked) -> int:
        name_process("kestra-dbt wait")
        os.close(self._worker_end)
        return watch(asked)
