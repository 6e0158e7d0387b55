"""What dbt has parsed of a project, in the memory of a process that has watched a request which went on from that."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from kestra_dbt.core.system import name_process, threads

_LIMIT_S = 60


@dataclass(frozen=True)
class Parsed:
    """A parse that this process and its forks know."""

    leisure: Iterator[None]
    """What else can be had ready while there is time, in small steps."""
    is_kept: Callable[[], bool]
    """Tells whether it is still the one that is kept on this machine: tasks go on from no other."""


def know_parse(kept: Path) -> Parsed | None:
    """Know a kept parse from now on; None if forks of this process would be no better off.

    Args:
        kept: another name of its file, which is taken away.
    """
    from kestra_dbt.core.known_parse import know  # noqa: PLC0415 - dbt is there
    from kestra_dbt.warm.practice import practise  # noqa: PLC0415

    name_process("kestra-dbt next")
    before = threads()
    signal.alarm(_LIMIT_S)  # ends this process
    file = os.open(kept, os.O_RDONLY)  # stays open, so that it is known whether it still has a name
    kept.unlink()
    with os.fdopen(os.dup(file), "rb") as stream:
        root, _, parsed = stream.read().partition(b"\n")
    practise()
    leisure = know(root, parsed)
    signal.alarm(0)
    return Parsed(leisure, lambda: os.fstat(file).st_nlink > 0) if threads() <= before else None
