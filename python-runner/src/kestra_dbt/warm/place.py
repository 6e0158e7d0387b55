"""Where the warm process for an interpreter, a worker and a release of the runner is to be found.

Without pathlib, which takes as long to load as all else that a request needs that finds one.
"""

from __future__ import annotations

import hashlib
import os
import sys

from kestra_dbt.cache import cache_path

VARIABLE = "KESTRA_DBT_WARM"
"""Environment variable with the number of the worker's process: requests are carried out in forks of a warm process,
which ends with the worker."""

LIMITS_VARIABLE = "KESTRA_DBT_WARM_LIMITS"
"""Environment variable with the limits of warm processes, see there."""

SOCKET = "s"
_LONGEST = 88
"""Bytes: the path of a socket takes 107, and those of projects have names of 18."""

_MATTERS = ("LANG", "HOME", "TZ")
_MATTERS_BEGIN = ("PYTHON", "LC_", "LD_")


class NotPossibleError(Exception):
    """Why a request can't be carried out in a warm process: a clause that goes on after "because"."""


class GoneError(NotPossibleError):
    """The process has died that was asked, before it began."""


def place_of(worker: int, program: str) -> str:
    """Return the folder for ``program`` and this interpreter below ``worker``, private to this user.

    Another dbt, another adapter and another release of the runner have another folder, so they never meet.

    Raises:
        NotPossibleError: there can be none.
    """
    try:
        folder = f"{cache_path()}/warm/{worker}-{_key(program)}"
        os.makedirs(folder, exist_ok=True, mode=0o700)  # noqa: PTH103 - see above
    except OSError as error:
        raise NotPossibleError(f"its folder cannot be made: {error}") from error
    if len(os.fsencode(folder)) > _LONGEST:
        raise NotPossibleError(f"the path {folder} is too long for a socket in it")
    return folder


def _key(program: str) -> str:
    content = b""
    if os.path.isfile(program):  # noqa: PTH113
        with open(program, "rb") as file:  # noqa: PTH123
            content = file.read()
    parts = [
        program if not content else "",
        os.environ.get(LIMITS_VARIABLE, ""),
        sys.executable,
        sys.version,
        *_installed(),
        repr(sorted(what_matters().items())),
    ]
    return hashlib.sha256("\n".join(parts).encode() + content).hexdigest()[:16]


def _installed() -> list[str]:
    """Return the folders of packages, with when one was last put in or taken out; the first entry is the program's."""
    return [f"{folder} {os.stat(folder).st_mtime_ns}" for folder in sys.path[1:] if os.path.isdir(folder)]  # noqa: PTH112, PTH116


def what_matters() -> dict[str, str]:
    """Return the variables that an interpreter reads once, when it starts."""
    return {k: v for k, v in os.environ.items() if k in _MATTERS or k.startswith(_MATTERS_BEGIN)}
