"""An earlier state that lies in the target folder, where dbt overwrites it before it reads it."""

import atexit
import shutil
import tempfile
from pathlib import Path

from kestra_dbt.core.command_line import CommandLine

_STATE_FILES = ("manifest.json", "run_results.json", "sources.json")
_STATE_OPTIONS = {"--state": "DBT_STATE", "--defer-state": "DBT_DEFER_STATE"}


def with_state_kept(arguments: list[str]) -> list[str]:
    """Return dbt's arguments with a copy of the state in place of a state folder that is the target folder.

    dbt writes its manifest before it reads the earlier one, and so would compare the project with itself.
    """
    line = CommandLine(arguments)
    target = line.target_path()
    kept = list(arguments)
    for option, variable in _STATE_OPTIONS.items():
        named = line.option(option, variable=variable)
        folder = line.project_dir() / named if named else None
        if folder and folder.is_dir() and folder.resolve() == target.resolve():
            kept += [option, _copy(target)]  # the last one counts
    return kept


def _copy(folder: Path) -> str:
    copy = tempfile.mkdtemp(prefix="kestra-dbt-state-")
    atexit.register(shutil.rmtree, copy, ignore_errors=True)
    for name in _STATE_FILES:
        if (folder / name).is_file():
            shutil.copyfile(folder / name, Path(copy) / name)
    return copy
