"""The warm process: has imported dbt, runs nothing itself, and forks for each request.

It has one thread. After its first request, a fork of it that is prepared better takes its place.

A request gets two processes: one that watches whether whoever asked is still there, and below it the runner as ever. So
a request goes on, and is answered, also when the warm process itself is killed.

The first request for a packed project makes a warm process of its own out of its first fork: it has the project in
memory, too, and serves those that come for the same. The processes of such a request stay for a next one.

A request for a project in a folder is carried out at once. If dbt went on from the kept parse of that project and found
no change, the process that has watched it reads that parse in the end, and serves those that come for the same.
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
from collections.abc import Callable, Iterator
from pathlib import Path

from kestra_dbt.core.kept_parse import tell_by
from kestra_dbt.core.system import name_process
from kestra_dbt.warm.asked import Asked
from kestra_dbt.warm.crews import Crews
from kestra_dbt.warm.imports import import_all
from kestra_dbt.warm.limits import Limits
from kestra_dbt.warm.parsed import know_parse
from kestra_dbt.warm.place import SOCKET, NotPossibleError
from kestra_dbt.warm.project import have_ready
from kestra_dbt.warm.project_name import PARSED
from kestra_dbt.warm.starting import alone, has_room, is_asked_for_again
from kestra_dbt.warm.succession import Succession
from kestra_dbt.warm.watching import end, watch

_LOOK_EVERY_S = 10.0
_FIRST_S = 1.0
"""Seconds in which whoever has started this process asks at the latest."""


def main() -> None:
    """Serve in the folder of the first argument, for the process that is the second one, within the third's limits."""
    folder, worker, limits = Path(sys.argv[1]), int(sys.argv[2]), Limits.from_text(sys.argv[3])
    worker_end = os.pidfd_open(worker)
    import_all()
    _Server(folder / SOCKET, worker_end, limits).serve(is_followed=True)


class _Server:
    """Listens at a socket, and forks."""

    def __init__(
        self, path: Path, worker_end: int, limits: Limits, name: str = "warm", *, keeps_crews: bool = False
    ) -> None:
        """Listen at a path, from now on instead of who may be there.

        Args:
            path: of the socket.
            worker_end: tells that the worker has ended.
            limits: when to end.
            name: what the system calls it.
            keeps_crews: whether one process may carry out several requests.
        """
        name_process(f"kestra-dbt {name}")
        _share_memory()
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the watching processes
        self._path = path
        self._worker_end = worker_end
        self._limits = limits
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        new = path.with_name(str(os.getpid()))
        new.unlink(missing_ok=True)
        self._listener.bind(str(new))
        new.chmod(0o600)
        self._inode = new.stat().st_ino
        self._listener.listen(socket.SOMAXCONN)
        new.replace(path)  # there is never nobody
        self._crews = Crews()
        self._keeps_crews = keeps_crews
        self._succession = Succession(self._follow)

    def serve(
        self,
        first: Asked | None = None,
        leisure: Iterator[None] | None = None,
        *,
        is_followed: bool = False,
        is_current: Callable[[], bool] = lambda: True,
    ) -> None:
        """Fork for each request, the one that is there already and those that come, until there is a reason to end.

        Args:
            first: a request that is there already.
            leisure: is done step by step while nothing is asked.
            is_followed: whether another one takes this one's place after the first request.
            is_current: tells whether requests are still better off with this one than with another.
        """
        if first:
            self._fork(first.connection, lambda _, warm: self._watch(first, warm))
            first.let_go()
        began = asked_at = time.monotonic()
        idle_s, runs = max(self._limits.idle_s, _FIRST_S), (1 if first else 0)
        while is_current() and (now := time.monotonic()) < asked_at + idle_s:
            if runs and self._is_at_limit(runs, now - began):
                break
            if is_followed and runs:
                self._succession.begin()
            listened = [self._listener, self._worker_end, *self._crews.sockets(), *self._succession.sockets()]
            wait_s = 0 if leisure else min(_LOOK_EVERY_S, asked_at + idle_s - now)
            ready, _, _ = select.select(listened, [], [], wait_s)
            if self._worker_end in ready:
                break
            self._crews.look(ready)
            self._succession.look(ready)
            if self._listener in ready:
                self._accept()
                runs, asked_at = runs + 1, time.monotonic()
            elif not ready and leisure:
                leisure = leisure if _go_on(leisure) else None
            elif not self._is_wanted():
                break
            self._crews.dismiss()
        self._leave()

    def _follow(self, is_there: Callable[[], None]) -> None:
        """Serve in place of this process, of which this one is a fork, and tell it so."""
        self._listener.close()
        server = _Server(self._path, self._worker_end, self._limits)
        is_there()
        server.serve()

    def _is_at_limit(self, runs: int, age_s: float) -> bool:
        return runs >= self._limits.runs or age_s >= self._limits.age_s or self._limits.is_too_large()

    def _accept(self) -> None:
        connection, _ = self._listener.accept()
        if self._crews.take(connection):
            connection.close()
        else:
            self._fork(connection, self._carry_out)

    def _leave(self) -> None:
        """Be found no more, and carry out what has been asked until now."""
        if self._is_wanted():
            self._path.unlink(missing_ok=True)
        self._listener.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                self._accept()

    def _is_wanted(self) -> bool:
        """Tell whether whoever looks for this process still finds it: its place may have been needed."""
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False

    def _fork(self, connection: socket.socket, work: Callable[[socket.socket, socket.socket | None], int]) -> None:
        with connection, self._crews.begin() if self._keeps_crews else contextlib.nullcontext() as warm:
            if os.fork() == 0:
                try:
                    self._listener.close()
                    self._crews.leave()
                    os.setsid()
                    end(work(connection, warm))
                finally:  # the frames above are the warm process's, not ours to go on in
                    os._exit(1)

    def _carry_out(self, connection: socket.socket, warm: socket.socket | None) -> int:
        asked = Asked.receive(connection)
        if asked.project is None:
            return self._watch(asked, warm)
        place = self._path.parent / asked.project
        if asked.project.endswith(PARSED):
            return self._watch_and_know(asked, place)
        leisure = have_ready(asked)
        if leisure is None:
            return self._watch(asked, warm)
        _Server(place, self._worker_end, self._limits, "pack", keeps_crews=True).serve(asked, leisure)
        return 0

    def _watch(self, asked: Asked, warm: socket.socket | None) -> int:
        name_process("kestra-dbt wait")
        return watch(asked, warm, self._limits)

    def _watch_and_know(self, asked: Asked, place: Path) -> int:
        """Watch a request; if it went on from a kept parse without any change, know that, and serve the next ones.

        That is worth its time where the same is asked for again and again.
        """
        kept = place.with_suffix(f".{os.getpid()}")
        tell_by(kept)
        code = self._watch(asked, None)
        try:
            if not (kept.exists() and is_asked_for_again(place, self._limits.idle_s)):
                return code
            with alone(place.with_suffix(".lock"), 0):
                parsed = know_parse(kept) if has_room(place, self._limits.idle_s) else None
                if parsed is None or self._limits.is_too_large():
                    return code
                server = _Server(place, self._worker_end, self._limits, "kept")
        except NotPossibleError:  # another one is at it
            return code
        finally:
            kept.unlink(missing_ok=True)
        server.serve(leisure=parsed.leisure, is_current=parsed.is_kept)
        return code


def _go_on(leisure: Iterator[None]) -> bool:
    """Do a step; False if there is none any more."""
    for _ in leisure:
        return True
    _share_memory()
    return False


def _share_memory() -> None:
    """Keep collections in forks from copying all that is shared with this process."""
    gc.collect()
    gc.freeze()
