"""The warm process: has imported dbt, runs nothing itself, and forks for each request.

It has one thread. A request gets two processes: one that watches whether whoever asked is still there, and below it the
runner as ever. So a request goes on, and is answered, also when the warm process itself is killed.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import NoReturn

from kestra_dbt.warm.client import GO, STARTED
from kestra_dbt.warm.place import SOCKET

_IDLE_S = 600.0
_MAX_AGE_S = 6 * 3600.0
_MAX_RUNS = 1000
_ASK_LIMIT_S = 5.0
_KILL_AFTER_S = 20.0
"""Seconds after hanging up in which the runner has to have stopped what it runs: its own grace, and some."""

_IMPORTS = ("dbt.cli.main", "dbt.adapters.duckdb", "dbt.adapters.postgres", "kestra_dbt.cli", "kestra_dbt.core.run")
_OPTIONAL = frozenset({"dbt.adapters.duckdb", "dbt.adapters.postgres"})


def main() -> None:
    """Serve in the folder of the first argument, until the process of the second one ends."""
    folder, worker = Path(sys.argv[1]), int(sys.argv[2])
    worker_end = os.pidfd_open(worker)
    for name in _IMPORTS:
        with contextlib.suppress(ImportError) if name in _OPTIONAL else contextlib.nullcontext():
            importlib.import_module(name)
    importlib.import_module("kestra_dbt.core.invocation")
    gc.collect()
    gc.freeze()  # or a collection in a fork would copy all that is shared with it
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the watching processes
    path = folder / SOCKET
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        path.unlink(missing_ok=True)  # only one starts at a time, and nobody answered there
        listener.bind(str(path))
        path.chmod(0o600)
        listener.listen(socket.SOMAXCONN)
        _serve(listener, worker_end)
        path.unlink(missing_ok=True)


def _serve(listener: socket.socket, worker_end: int) -> None:
    oldest, runs = time.monotonic() + _MAX_AGE_S, 0
    while runs < _MAX_RUNS and time.monotonic() < oldest:
        ready, _, _ = select.select([listener, worker_end], [], [], _IDLE_S)
        if worker_end in ready or not ready:
            return
        connection, _ = listener.accept()
        runs += 1
        with connection:
            if os.fork() == 0:
                listener.close()
                os.close(worker_end)
                try:
                    _end(_watch(connection))
                finally:  # the frames above are the warm process's, not ours to go on in
                    os._exit(1)


def _watch(connection: socket.socket) -> int:
    """Carry out what is asked in a process below this one; stop it if whoever asked is gone."""
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    connection.settimeout(_ASK_LIMIT_S)
    _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
    with connection.makefile("rb") as asked:
        request = json.loads(asked.readline())
    connection.sendall(STARTED)
    if connection.recv(1) != GO:
        return 0
    connection.settimeout(None)
    watching = os.getpid()
    pid = os.fork()
    if pid == 0:
        connection.close()
        _end(_carry_out(request, descriptors, watching))
    for descriptor in [*descriptors, 0, 1, 2]:
        os.close(descriptor)
    ended = os.pidfd_open(pid)
    ready, _, _ = select.select([connection, ended], [], [])
    if ended not in ready:
        os.kill(pid, signal.SIGTERM)
        if not select.select([ended], [], [], _KILL_AFTER_S)[0]:
            os.kill(pid, signal.SIGKILL)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    with contextlib.suppress(OSError):
        connection.sendall(b"%d" % (code if code >= 0 else 128 - code))
    return 0


def _carry_out(request: dict[str, object], descriptors: list[int], watching: int) -> int:
    from kestra_dbt.cli import run_command_line  # noqa: PLC0415 - it is there
    from kestra_dbt.core.system import die_with_parent  # noqa: PLC0415

    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.setsid()
    die_with_parent(signal.SIGTERM)
    if os.getppid() != watching:
        return 128 + signal.SIGTERM
    os.chdir(str(request["folder"]))
    os.umask(int(str(request["umask"])))
    os.environ.clear()
    os.environ.update(request["env"])  # type: ignore[call-overload]
    time.tzset()
    tempfile.tempdir = None
    arguments = [str(word) for word in request["arguments"]]  # type: ignore[attr-defined]
    sys.argv = ["kestra-dbt", *arguments]
    try:
        return run_command_line(arguments)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1


def _end(code: int) -> NoReturn:
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
