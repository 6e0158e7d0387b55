"""Which dbt a run is for, and where one is that can only be run as a command. Standard library only."""

from __future__ import annotations

import functools
import importlib.util
import os
import shutil
import subprocess
import sys

_NAMES = {"AUTO": ("dbt", "dbtf"), "FUSION": ("dbtf", "dbt")}
"""Where both dbts are installed, Fusion's goes by the second name."""

_PROBE = """
import importlib.metadata, importlib.util, sys
found = importlib.util.find_spec("dbt") and importlib.util.find_spec("dbt.cli")
newer = int(importlib.metadata.version("pydantic").split(".")[0]) >= 2
sys.exit(0 if sys.version_info >= (3, 10) and found and newer else 1)
"""
_PROBE_LIMIT_S = 30


def can_import_dbt() -> bool:
    """Tell whether this interpreter has a dbt that can be imported, and what the runner needs."""
    try:
        return bool(importlib.util.find_spec("dbt.cli")) and has_own_requirements()
    except ImportError:
        return False


@functools.cache
def has_own_requirements() -> bool:
    """Tell whether this interpreter has what the runner itself needs beside dbt."""
    import importlib.metadata  # noqa: PLC0415 - it takes as long as the rest of this module

    try:
        return int(importlib.metadata.version("pydantic").split(".")[0]) >= 2  # noqa: PLR2004 - its major version
    except (importlib.metadata.PackageNotFoundError, ValueError):
        return False


def can_reach_platform() -> bool:
    """Tell whether this interpreter has what requests for the dbt platform need."""
    return has_own_requirements() and importlib.util.find_spec("httpx") is not None


def can_write_flows() -> bool:
    """Tell whether this interpreter has what writing a flow from a manifest needs."""
    return has_own_requirements() and importlib.util.find_spec("yaml") is not None


def interpreter_with_dbt() -> str | None:
    """Return the interpreter that the `dbt` on PATH starts with, as of pipx, if the runner can go on in it."""
    script = shutil.which("dbt")
    if not script:
        return None
    with open(script, "rb") as file:  # noqa: PTH123 - older than pathlib's users may expect
        first = file.readline(300)
    words = first[2:].decode("utf-8", "replace").split() if first.startswith(b"#!") else []
    found = words[0] if len(words) == 1 and "python" in os.path.basename(words[0]) else None  # noqa: PTH119
    return found if found and os.access(found, os.X_OK) and _can_import_dbt(found) else None


def dbt_command(engine: str, *, beside_python_only: bool) -> str | None:
    """Return the path of dbt's command: that of this interpreter's own environment, or else the first on PATH."""
    own = os.path.dirname(sys.executable)  # noqa: PTH120
    path = own if beside_python_only else os.pathsep.join([own, os.environ.get("PATH") or os.defpath])
    return next(filter(None, (shutil.which(name, path=path) for name in _NAMES[engine])), None)


def _can_import_dbt(python: str) -> bool:
    try:
        probe = subprocess.run(
            [python, "-c", _PROBE],
            check=False,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_PROBE_LIMIT_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return probe.returncode == 0
