"""What Linux knows about processes that Python's library does not tell. Elsewhere these functions do nothing."""

import contextlib
import ctypes
import os
import sys
from dataclasses import dataclass
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
_PR_SET_CHILD_SUBREAPER = 36
_PROC = Path("/proc")


@dataclass(frozen=True)
class Process:
    """A process as the system lists it."""

    pid: int
    parent: int
    name: str

    def __str__(self) -> str:
        return f"{self.name} ({self.pid})"


def adopt_orphans() -> None:
    """Become the parent of every descendant that loses its own, so that ``descendants`` finds all of them."""
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(number: int) -> None:
    """Have the system send this process a signal when its parent dies, however that happens."""
    _prctl(_PR_SET_PDEATHSIG, number)


def name_process(name: str) -> None:
    """Set what `ps -e` and `top` call this process; 15 characters at most."""
    _prctl(_PR_SET_NAME, ctypes.create_string_buffer(name.encode()))


def let_go_of_place(*numbers: int) -> None:
    """Leave the folder, and point standard streams to nothing: nobody then waits for their ends, no disk is in use."""
    sys.stdout.flush()
    sys.stderr.flush()
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in numbers:
        os.dup2(nothing, number)
    os.close(nothing)
    os.chdir("/")


def descendants(pid: int) -> list[Process]:
    """Return the living processes below ``pid``, parents first."""
    by_parent: dict[int, list[Process]] = {}
    for process in _processes():
        by_parent.setdefault(process.parent, []).append(process)
    found = list(by_parent.get(pid, ()))
    for process in found:  # it grows on the way
        found += by_parent.get(process.pid, ())
    return found


def threads() -> int:
    """Return how many this process has, also those that are not Python's: a fork has none of the others."""
    return len(list(_PROC.glob("self/task/*")))


def _processes() -> list[Process]:
    found = []
    for folder in _PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):  # it may have ended in the meantime
            name, _, fields = (folder / "stat").read_text(errors="replace").partition(" (")[2].rpartition(") ")
            state, parent = fields.split()[:2]
            if state not in "ZX":
                found.append(Process(int(folder.name), int(parent), name))
    return sorted(found, key=lambda process: process.pid)


def _prctl(option: int, value: "int | ctypes.Array[ctypes.c_char]") -> None:
    if _PROC.is_dir():
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
