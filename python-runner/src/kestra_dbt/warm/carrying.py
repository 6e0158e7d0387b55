"""The runner as a fork of a warm process: carries out a request as ever, and further ones if it is asked."""

from __future__ import annotations

import os
import signal
import socket
import sys

from kestra_dbt.core.kept_child import AT_WORK, IDLE, keep_child
from kestra_dbt.core.system import die_with_parent, let_go_of_place, name_process
from kestra_dbt.warm.asked import Asked
from kestra_dbt.warm.limits import Limits

DONE = b"d"
"""What it says when a request has gone well, and it may have another one."""


def carry_out(asked: Asked, watching: int, back: socket.socket | None, limits: Limits) -> int:
    """Carry out what is asked, and what is asked then, until something does not go well; return its exit code.

    Args:
        asked: the first request.
        watching: the process that watches this one.
        back: where it is told that a request is done, and asks for the next one; None: there is only one.
        limits: what ends the process of dbt after a request.
    """
    os.setsid()
    die_with_parent(signal.SIGTERM)
    if os.getppid() != watching:
        return 128 + signal.SIGTERM
    keeper = keep_child(lambda: not limits.is_too_large()) if back else None
    while True:
        name_process(AT_WORK)
        for number, descriptor in enumerate(asked.descriptors):
            os.dup2(descriptor, number)
        asked.let_go()
        asked.surroundings.take()
        code = _run(asked.arguments)
        if code or back is None or keeper is None or not keeper.has_idle_child():
            return code
        let_go_of_place(0, 1, 2)
        name_process(IDLE)
        back.sendall(DONE)
        back.settimeout(None)
        if not back.recv(1, socket.MSG_PEEK):
            return 0
        asked = Asked.receive(back)


def _run(arguments: list[str]) -> int:
    from kestra_dbt.cli import run_command_line  # noqa: PLC0415 - it is there

    sys.argv = ["kestra-dbt", *arguments]
    try:
        return run_command_line(arguments)
    except SystemExit as ended:
        return ended.code if isinstance(ended.code, int) else 1
