"""Carries out requests for whoever connects, until the process that has started this one is gone.

Over a Unix socket: a client sends one line of JSON (`Asked`), gets what a process of its own would have printed, and at
the end the exit code on a line after `EXIT`. Secrets come by the socket alone. A client that hangs up has died.
"""

import os
import resource
import select
import socket
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from kestra_dbt.errors import RequestError
from kestra_dbt.platform.caller import Caller
from kestra_dbt.platform.carry_out import run
from kestra_dbt.platform.shared.pool import Pool
from kestra_dbt.platform.shared.roll_call import RollCall
from kestra_dbt.platform.shared.thread_watch import ThreadWatch
from kestra_dbt.protocol import Event, PlatformRequest, encode
from kestra_dbt.request_file import read_request, read_secrets, told_if_not_begun
from kestra_dbt.stop_file import StopFile

EXIT = b"\x04"
"""What the last line of an answer begins with."""

READY = "ready"
"""The line on standard output that says that clients may connect."""

_STACK_BYTES = 512 * 1024
_IDLE_S = 600.0
_LINE_LIMIT = 1_000_000
_GONE = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


class Asked(BaseModel):
    """What a client wants."""

    request: Path = Field(description="File of the request; beside it, a stop is asked for.")
    output: Path = Field(description="Folder for files.")
    secrets: str | None = Field(None, description="As in the variable of a process of its own.")


def serve(path: Path) -> int:
    """Listen at ``path``, until standard input ends or nobody has come for ten minutes. Return the exit code."""
    _allow_many_files()
    threading.stack_size(_STACK_BYTES)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    threading.Thread(target=ThreadWatch.look_after_all, args=(threading.Event(),), daemon=True).start()
    calling = partial(Caller, watching=ThreadWatch, connecting=Pool().connect, resting=RollCall().rest)
    busy = _Busy()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen(socket.SOMAXCONN)
        listener.settimeout(_IDLE_S)
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
        while True:
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                if busy.count:
                    continue
                path.unlink()
                return 0
            threading.Thread(target=_converse, args=(connection, calling, busy), daemon=True).start()


class _Busy:
    """How many requests are being carried out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.count = 0

    def __enter__(self) -> None:
        with self._lock:
            self.count += 1

    def __exit__(self, *exception: object) -> None:
        with self._lock:
            self.count -= 1


def _converse(connection: socket.socket, calling: Callable[..., Caller], busy: _Busy) -> None:
    with connection, busy:
        try:
            asked = Asked.model_validate_json(connection.makefile("rb").readline(_LINE_LIMIT))
        except (ValidationError, OSError):
            return

        def emit(event: Event) -> None:
            _write(connection, encode(event))

        with told_if_not_begun(emit) as ending:
            request = read_request(asked.request)
            if not isinstance(request, PlatformRequest):
                raise RequestError(f"A request of the kind {request.kind} is not for the dbt platform.")
            caller = calling(emit, StopFile(asked.request).take, partial(_is_gone, connection))
            ending.exit_code = run(request, read_secrets(asked.secrets), asked.output, caller)
        _write(connection, EXIT + b"%d\n" % ending.exit_code)


def _write(connection: socket.socket, line: bytes) -> None:
    try:
        connection.sendall(line)
    except OSError:
        return  # it has died, which the watch tells where it matters


def _is_gone(connection: socket.socket) -> bool:
    hung_up = select.poll()
    try:
        hung_up.register(connection, _GONE)
    except ValueError:  # it has just been closed here: whoever looks after all must go on with the others
        return True
    return any(event & _GONE for _, event in hung_up.poll(0))


def _end_with_parent() -> None:
    """End at once when the worker has died: its runs are left as they are, and adopted by whoever goes on."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)


def _allow_many_files() -> None:
    """A wait holds two files open."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
