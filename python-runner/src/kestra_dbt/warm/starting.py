"""How a warm process is started by the first request that wants one. Standard library only."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from kestra_dbt.program import program
from kestra_dbt.warm.asking import ask, connected, say
from kestra_dbt.warm.place import LIMITS_VARIABLE, SOCKET, VARIABLE, NotPossibleError, what_matters
from kestra_dbt.warm.project_name import PACKED, PARSED

_PROJECT_LIMIT_S = 60.0
"""Seconds in which a project has to be in memory. One with 10,000 nodes takes some."""

_MOST_PROJECTS = 4
"""Processes at a time that have a project in memory. A new one takes the place of the one unused for longest."""

_KEPT_S = 24 * 3600.0
_KEPT = ("PATH", "TMPDIR")

_LIMIT_S = 30.0
_LOOK_EVERY_S = 0.02


def begun(place: str, project: str | None, arguments: list[str]) -> socket.socket:
    """Return the connection to a fork that has begun with a request, of what is there or is started now.

    Args:
        place: folder of the warm processes.
        project: name of the one that has the request's project in memory, if there can be one.
        arguments: of the runner.

    Raises:
        NotPossibleError: there is none.
    """
    folder = Path(place)
    found = connected(f"{place}/{project}") if project else None
    if found:
        return ask(found, arguments)
    if project is None or not project.endswith(PACKED):
        return ask(connected(f"{place}/{SOCKET}") or start_one(folder), arguments, project)
    limit = time.monotonic() + _PROJECT_LIMIT_S
    with alone(folder / f"{project}.lock", limit):  # one reads the project, however many come together
        found = connected(f"{place}/{project}")
        if found:
            return ask(found, arguments)
        _make_room(folder)
        connection = connected(f"{place}/{SOCKET}") or start_one(folder)
        began = time.monotonic()
        connection = ask(connection, arguments, project, limit - began)
        if (folder / project).exists():
            took_s = time.monotonic() - began
            say(f"The project was read in {took_s:.1f} s for this request and the next ones.")
        return connection


def start_one(folder: Path) -> socket.socket:
    """Start a warm process, one however many ask together, and connect to it."""
    limit = time.monotonic() + _LIMIT_S
    with alone(folder / "lock", limit):
        found = connected(f"{folder}/{SOCKET}")
        if found:
            return found
        _forget_old(folder.parent)
        began, limits = time.monotonic(), os.environ.get(LIMITS_VARIABLE, "")
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, *_server(folder), str(folder), os.environ[VARIABLE], limits],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=folder,
                start_new_session=True,
                env={**what_matters(), **{name: os.environ[name] for name in _KEPT if name in os.environ}},
            )
        while time.monotonic() < limit:
            found = connected(f"{folder}/{SOCKET}")
            if found:
                took_s = time.monotonic() - began
                say(f"A warm process was started in {took_s:.1f} s for this request and the next ones.")
                return found
            if process.poll() is not None:
                raise NotPossibleError(f"it did not start: see {folder / 'log'}")
            time.sleep(_LOOK_EVERY_S)
        process.kill()
    raise NotPossibleError(f"it did not start within {_LIMIT_S:.0f} s")


def _server(folder: Path) -> list[str]:
    """Return its program: a copy of this one, which outlasts the working directory of a task."""
    path = Path(program())
    if path.is_file():
        shutil.copyfile(path, folder / "new")
        path = (folder / "new").replace(folder / "runner.pyz")
    # without the empty entry that -c brings: a request would import what is in its working directory
    places = f"sys.path[:] = [{str(path)!r}, *filter(None, sys.path)]"
    return ["-c", f"import sys; {places}; from kestra_dbt.warm.server import main; main()"]


@contextlib.contextmanager
def alone(file: Path, limit: float) -> Iterator[None]:
    """Hold the lock ``file``, which others have until ``limit`` to give up.

    Raises:
        NotPossibleError: they have not, or it can't be held.
    """
    try:
        handle = file.open("w")
    except OSError as error:
        raise NotPossibleError(f"its folder cannot be written to: {error}") from error
    with handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > limit:
                    raise NotPossibleError("another one takes too long to start it") from None
                time.sleep(_LOOK_EVERY_S)
        yield


def _make_room(folder: Path) -> None:
    """Send away processes that have a project in memory, until there are few enough for one more."""
    there = sorted(_projects(folder), key=_last_used)
    for path in there[: max(0, len(there) + 1 - _MOST_PROJECTS)]:
        path.unlink(missing_ok=True)  # whoever listens there notices


def has_room(place: Path, since_s: float) -> bool:
    """Tell whether there is room for one at ``place``, without one there and without sending away one used of late."""
    own = connected(str(place))
    if own:
        own.close()
        return False
    used = [path for path in _projects(place.parent) if path != place and _last_used(path) > time.time() - since_s]
    return len(used) < _MOST_PROJECTS


def is_asked_for_again(place: Path, within_s: float) -> bool:
    """Tell whether this was last asked for the same ``place`` so many seconds ago at most."""
    asked, since = place.with_suffix(".asked"), time.time() - within_s
    for other in place.parent.glob("*.asked"):
        if _last_used(other) <= since:
            other.unlink(missing_ok=True)
    again = asked.exists()
    asked.touch()
    return again


def _projects(folder: Path) -> list[Path]:
    return [path for suffix in (PACKED, PARSED) for path in folder.glob(f"*{suffix}")]


def _last_used(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def _forget_old(places: Path) -> None:
    """Remove folders of workers that are gone."""
    for folder in places.iterdir():
        worker = folder.name.partition("-")[0]
        with contextlib.suppress(OSError):
            # the same number may be another container's worker, so what was used of late stays
            if not Path("/proc", worker).exists() and folder.stat().st_mtime < time.time() - _KEPT_S:
                shutil.rmtree(folder, ignore_errors=True)
