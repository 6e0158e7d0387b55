"""Servers that a bench needs for a while."""

import contextlib
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

START_LIMIT_S = 300
STOP_LIMIT_S = 30


@contextlib.contextmanager
def server(command: Sequence[str | Path], env: dict[str, str], folder: Path) -> Iterator[None]:
    """Run a server in a folder, which gets its log; then end it with all that it started."""
    with (folder / f"{Path(command[0]).name}-{command[1]}.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        yield
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(STOP_LIMIT_S)
    with contextlib.suppress(ProcessLookupError):  # what it started may outlast it
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def answers(url: str) -> bool:
    """Tell whether a server of this machine answers."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - of the loopback
            return bool(answer.status == 200)  # noqa: PLR2004 - OK
    except (urllib.error.URLError, OSError):
        return False


def wait_until(true: Callable[[], bool], what: str, limit_s: float = START_LIMIT_S) -> None:
    """Look twice a second until something is so.

    Raises:
        SystemExit: it took longer than the limit; `what` names what was waited for.
    """
    deadline = time.monotonic() + limit_s
    while not true():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not within {limit_s:.0f} s.")
        time.sleep(0.5)
