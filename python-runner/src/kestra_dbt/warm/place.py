"""Where the warm process for an interpreter, a worker and a release of the runner is to be found."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

from kestra_dbt.cache import cache_folder
from kestra_dbt.warm.limits import VARIABLE as LIMITS_VARIABLE

VARIABLE = "KESTRA_DBT_WARM"
"""Environment variable with the number of the worker's process: requests are carried out in forks of a warm process,
which ends with the worker."""

SOCKET = "s"
_LONGEST = 88
"""Bytes: the path of a socket takes 107, and those of projects have names of 18."""

_KEPT_S = 24 * 3600.0
_MATTERS = ("LANG", "HOME", "TZ")
_MATTERS_BEGIN = ("PYTHON", "LC_", "LD_")


class NotPossibleError(Exception):
    """Why a request can't be carried out in a warm process: a clause that goes on after "because"."""


def place_of(worker: int, program: Path) -> Path:
    """Return the folder for ``program`` and this interpreter below ``worker``, private to this user.

    Another dbt, another adapter and another release of the runner have another folder, so they never meet.

    Raises:
        NotPossibleError: there can be none.
    """
    try:
        folder = cache_folder() / "warm" / f"{worker}-{_key(program)}"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise NotPossibleError(f"its folder cannot be made: {error}") from error
    if len(os.fsencode(folder)) > _LONGEST:
        raise NotPossibleError(f"the path {folder} is too long for a socket in it")
    return folder


def forget_old(places: Path) -> None:
    """Remove folders of workers that are gone."""
    for folder in places.iterdir():
        worker = folder.name.partition("-")[0]
        with contextlib.suppress(OSError):
            # the same number may be another container's worker, so what was used of late stays
            if not Path("/proc", worker).exists() and folder.stat().st_mtime < time.time() - _KEPT_S:
                shutil.rmtree(folder, ignore_errors=True)


def _key(program: Path) -> str:
    content = program.read_bytes() if program.is_file() else b""
    parts = [
        str(program) if not content else "",
        os.environ.get(LIMITS_VARIABLE, ""),
        sys.executable,
        sys.version,
        *_installed(),
        repr(sorted(what_matters().items())),
    ]
    return hashlib.sha256("\n".join(parts).encode() + content).hexdigest()[:16]


def _installed() -> list[str]:
    """Return the folders of packages, with when one was last put in or taken out; the first entry is the program's."""
    return [f"{folder} {Path(folder).stat().st_mtime_ns}" for folder in sys.path[1:] if Path(folder).is_dir()]


def what_matters() -> dict[str, str]:
    """Return the variables that an interpreter reads once, when it starts."""
    return {k: v for k, v in os.environ.items() if k in _MATTERS or k.startswith(_MATTERS_BEGIN)}
