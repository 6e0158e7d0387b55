"""An earlier state that lies in the target folder, where dbt overwrites it before it reads it."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_STATE_FILES = ("manifest.json", "run_results.json", "sources.json")
_STATE_OPTIONS = ("--state", "--defer-state")


def with_state_kept(arguments: list[str]) -> list[str]:
    """Return dbt's arguments with a copy of the state in place of a state folder that is the target folder.

    dbt writes its manifest before it reads the earlier one, and so would compare the project with itself.
    """
    project = Path(_option(arguments, "--project-dir") or os.environ.get("DBT_PROJECT_DIR") or ".")
    target = project / (_option(arguments, "--target-path") or os.environ.get("DBT_TARGET_PATH") or "target")
    kept = list(arguments)
    for option in _STATE_OPTIONS:
        folder = _option(arguments, option)
        if folder and (project / folder).is_dir() and (project / folder).resolve() == target.resolve():
            kept += [option, _copy(target)]  # the last one counts
    return kept


def _option(arguments: list[str], name: str) -> str | None:
    """Return the value of an option, whether it is given as one word or as two."""
    for position, argument in enumerate(arguments):
        given, equals, value = argument.partition("=")
        if given == name:
            return value if equals else next(iter(arguments[position + 1 :]), None)
    return None


def _copy(folder: Path) -> str:
    copy = tempfile.mkdtemp(prefix="kestra-dbt-state-")
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    for name in _STATE_FILES:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, Path(copy) / name)
    return copy
