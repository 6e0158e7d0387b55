"""A request in a process below this one, which is stopped if whoever asked is gone."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import sys
import time
from typing import NoReturn

from kestra_dbt.core.system import adopt_orphans, descendants, die_with_parent, name_process
from kestra_dbt.warm.asked import Asked
from kestra_dbt.warm.client import GO, STARTED

_KILL_AFTER_S = 20.0
"""Seconds in which the runner has to have stopped what it runs, and a dbt itself: the grace, and some."""

_LOOK_EVERY_S = 0.1


def watch(asked: Asked) -> int:
    """Carry out what is asked in a process below this one, and answer how it ended."""
    connection = asked.connection
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    adopt_orphans()
    connection.sendall(STARTED)
    if connection.recv(1) != GO:
        return 0
    connection.settimeout(None)
    watching = os.getpid()
    pid = os.fork()
    if pid == 0:
        connection.close()
        end(_carry_out(asked, watching))
    asked.let_go()
    os.closerange(0, 3)
    ended = os.pidfd_open(pid)
    ready, _, _ = select.select([connection, ended], [], [])
    if ended not in ready:
        os.kill(pid, signal.SIGTERM)
        if not select.select([ended], [], [], _KILL_AFTER_S)[0]:
            os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(OSError):
        connection.sendall(b"%d" % (code if code >= 0 else 128 - code))
    _see_to_the_end()
    return 0


def _see_to_the_end() -> None:
    """Have all that is left end: a dbt whose supervisor was killed cancels its queries, unless it hangs."""
    kill_at = time.monotonic() + _KILL_AFTER_S
    while (left := descendants(os.getpid())) and time.monotonic() < kill_at + _KILL_AFTER_S:
        if time.monotonic() > kill_at:
            for process in left:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
        time.sleep(_LOOK_EVERY_S)


def end(code: int) -> NoReturn:
    """End this process at once: the frames above are those of whoever forked it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _carry_out(asked: Asked, watching: int) -> int:
    from kestra_dbt.cli import run_command_line  # noqa: PLC0415 - it is there

    name_process("kestra-dbt run")
    for number, descriptor in enumerate(asked.descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.setsid()
    die_with_parent(signal.SIGTERM)
    if os.getppid() != watching:
        return 128 + signal.SIGTERM
    asked.take_place()
    sys.argv = ["kestra-dbt", *asked.arguments]
    try:
        return run_command_line(asked.arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
