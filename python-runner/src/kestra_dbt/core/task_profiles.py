"""The profiles of a task, for a dbt whose command line or script looks for them elsewhere."""

import os
from pathlib import Path

TASK_PROFILES_VARIABLE = "KESTRA_DBT_TASK_PROFILES"
"""Environment variable that names the folder in which a task's own `profiles` are."""


def with_task_profiles(arguments: list[str]) -> list[str]:
    """Return dbt's arguments with the task's profiles in place of a folder that has none, where dbt could only fail.

    Scripts written for another plugin say `--profiles-dir .`, for it wrote the profiles into the working directory.
    """
    own = os.environ.get(TASK_PROFILES_VARIABLE)
    if not own:
        return arguments
    if not _has_profiles(os.environ.get("DBT_PROFILES_DIR", own)):
        os.environ["DBT_PROFILES_DIR"] = own
    replaced: list[str] = []
    for argument in arguments:
        name, _, folder = argument.partition("=")
        if name == "--profiles-dir" and folder and not _has_profiles(folder):
            replaced.append(f"{name}={own}")
        elif replaced[-1:] == ["--profiles-dir"] and not _has_profiles(argument):
            replaced.append(own)
        else:
            replaced.append(argument)
    return replaced


def _has_profiles(folder: str) -> bool:
    return (Path(folder) / "profiles.yml").is_file()
