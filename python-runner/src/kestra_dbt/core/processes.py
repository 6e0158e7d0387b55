"""The supervisor's child: the process that runs dbt, or the user's script, in a session of its own."""

import atexit
import contextlib
import os
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import NoReturn

from kestra_dbt.core.system import Process, adopt_orphans, descendants

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass
class Child:
    """A running child and its output."""

    pid: int
    stdout: int
    """Descriptor from which its standard output is read."""
    control: socket.socket | None = None
    """Where it tells that it has ended, if not by the end of its process."""

    def signal(self, number: int) -> None:
        """Send a signal to the child and all that it started, but for what went into a session of its own."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def signal_all(self, number: int) -> None:
        """Send a signal to everything below this process, wherever it went."""
        self.signal(number)
        for process in self.left():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                if os.getpgid(process.pid) != self.pid:
                    os.kill(process.pid, number)

    def left(self) -> list[Process]:
        """Return what still runs of the child and all that it started."""
        return descendants(os.getpid())

    def kill_what_it_left(self) -> None:
        """Kill what still runs of it once it has ended."""
        self.signal_all(signal.SIGKILL)

    def ended(self) -> int | None:
        """Return the exit code, as a shell tells it (128 + signal); None while it runs."""
        pid, status = os.waitpid(self.pid, os.WNOHANG)
        if pid == 0:
            return None
        return 128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status)


def fork(work: Callable[[], int], *not_its: socket.socket) -> Child:
    """Run ``work`` in a forked process, whose exit code it returns; its standard output goes to a pipe.

    Args:
        work: what it does.
        not_its: sockets that it does not get.
    """
    adopt_orphans()
    reader, writer = os.pipe()
    # A signal that comes before the child can take it waits until it can.
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    pid = os.fork()
    if pid == 0:
        os.close(reader)
        for other in not_its:
            other.close()
        _become_child(work, writer)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
    os.close(writer)
    return Child(pid, reader)


def listen_to_signals() -> None:
    """Have signals end this process, as Python has it at its start."""
    for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


def _become_child(work: Callable[[], int], stdout: int) -> NoReturn:
    code = 2
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        listen_to_signals()
        os.dup2(stdout, 1)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        code = work()
    except KeyboardInterrupt:
        code = 128 + signal.SIGINT
    except BaseException:  # noqa: BLE001 - the process ends here, with its last words
        traceback.print_exc()
    finally:
        # Not sys.exit: the frames of the supervisor above are not the child's to unwind. But libraries clean up here.
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
