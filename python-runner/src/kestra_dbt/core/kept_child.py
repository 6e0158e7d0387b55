"""A child that is kept for the next work, with all that it has in memory.

Only a runner that carries out several requests keeps one, and these are such that one process may do all of them.
"""

from __future__ import annotations

import os
import pickle
import socket
from collections.abc import Callable

from kestra_dbt.core.processes import Child, fork, listen_to_signals
from kestra_dbt.core.surroundings import Surroundings
from kestra_dbt.core.system import let_go_of_place, name_process

AT_WORK, IDLE = "kestra-dbt run", "kestra-dbt idle"
"""What the system calls a process that is kept."""

Work = Callable[[], int]
"""What a child does; it returns an exit code. That of a kept one can be pickled."""


class ChildKeeper:
    """Has at most one child, which ends with it."""

    def __init__(self, may_stay: Callable[[], bool]) -> None:
        """``may_stay``: tells, in the child, whether it may be kept."""
        self._child: _KeptChild | None = None
        self._may_stay = may_stay

    def start(self, work: Work, *not_its: socket.socket) -> Child:
        """Have ``work`` done by the child that is there, else by a new one."""
        if not self.has_idle_child() or self._child is None:
            here, there = socket.socketpair()
            with there:
                child = fork(lambda: _do(work, there, self._may_stay), *not_its, here)
            self._child = _KeptChild(child.pid, child.stdout, here)
        else:
            self._child.give(work)
        return self._child

    def has_idle_child(self) -> bool:
        """Tell whether there is one that waits for work."""
        return self._child is not None and self._child.is_idle()


_keeper: ChildKeeper | None = None


def keep_child(may_stay: Callable[[], bool]) -> ChildKeeper:
    """Keep the child of this process from now on, as long as ``may_stay`` says so in it."""
    global _keeper  # noqa: PLW0603 - a process keeps its child, or does not
    _keeper = ChildKeeper(may_stay)
    return _keeper


def start(work: Work, *not_its: socket.socket) -> Child:
    """Have ``work`` done in a child, which has a pipe as its standard output and does not get the sockets."""
    return _keeper.start(work, *not_its) if _keeper else fork(work, *not_its)


class _KeptChild(Child):
    def __init__(self, pid: int, stdout: int, control: socket.socket) -> None:
        super().__init__(pid, stdout, control)
        self._control = control
        self._idle = False

    def is_idle(self) -> bool:
        """Tell whether it waits for work."""
        self._idle = self._idle and super().ended() is None
        return self._idle

    def give(self, work: Work) -> None:
        """Have it do ``work``, in the surroundings of this process."""
        self._idle = False
        self.stdout, writer = os.pipe()
        socket.send_fds(self._control, [b"w"], [writer, 2])
        os.close(writer)
        with self._control.makefile("wb") as stream:
            pickle.dump((Surroundings.of_this_process(), work), stream)

    def ended(self) -> int | None:
        """Return the exit code of its work; None while it is at it."""
        try:
            self._idle = self._control.recv(1, socket.MSG_DONTWAIT) == _DONE
        except BlockingIOError:
            return None
        return 0 if self._idle else super().ended()

    def kill_what_it_left(self) -> None:
        """Kill what still runs of its work; and itself, for it is not as it was if there is something."""
        if not self._idle or [process for process in self.left() if process.pid != self.pid]:
            self._idle = False
            super().kill_what_it_left()


_DONE = b"d"


def _do(work: Work, control: socket.socket, may_stay: Callable[[], bool]) -> int:
    """Do ``work`` and what is given then, until one does not go well; return its exit code."""
    while True:
        code = work()
        if code or not may_stay():
            return code
        name_process(IDLE)
        listen_to_signals()
        let_go_of_place(1, 2)
        control.sendall(_DONE)
        _, descriptors, _, _ = socket.recv_fds(control, 1, 2)
        if not descriptors:
            return 0
        for number, descriptor in enumerate(descriptors, start=1):
            os.dup2(descriptor, number)
            os.close(descriptor)
        with control.makefile("rb") as stream:
            surroundings, work = pickle.load(stream)  # noqa: S301 - from the process that has forked this one
        surroundings.take()
        name_process(AT_WORK)
