"""Ways of doing the same, which are measured in turns."""

import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

LIMIT_S = 900


def in_turns(ways: Mapping[str, Callable[[], T]], rounds: int) -> Iterator[dict[str, T]]:
    """Measure each way once a round, and yield what each round comes to. The order alternates."""
    for turn in range(rounds):
        order = list(ways) if turn % 2 == 0 else list(ways)[::-1]
        yield {way: ways[way]() for way in order}


def timed(command: list[str], folder: Path, env: Mapping[str, str], log: Path | None = None) -> float:
    """Return the seconds of a command that does well.

    Args:
        command: program and arguments.
        folder: where it runs.
        env: its environment.
        log: file for what it prints; None: that is lost.
    """
    with (log or Path("/dev/null")).open("wb") as out:
        began = time.perf_counter()
        with subprocess.Popen(command, cwd=folder, env=env, stdout=out, stderr=out) as process:
            limit = threading.Timer(LIMIT_S, process.kill)  # a wait with a limit looks every 50 ms, too seldom for here
            limit.start()
            try:
                code = process.wait()
                took_s = time.perf_counter() - began
            finally:
                limit.cancel()
    if code:
        raise subprocess.CalledProcessError(code, command)
    return took_s
