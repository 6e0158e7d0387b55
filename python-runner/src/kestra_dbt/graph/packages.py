"""The packages of a project, which have to be there before it is parsed."""

from collections.abc import Callable
from pathlib import Path

from kestra_dbt.core.options import arguments
from kestra_dbt.protocol import DbtOptions, Secrets

_FILES = ("packages.yml", "dependencies.yml")
_OPTIONS = {"project_dir", "profiles_dir", "profile", "target", "target_path", "log_path"}


def bring_packages(options: DbtOptions, secrets: Secrets, invoke: Callable[..., int]) -> int:
    """Run `dbt deps` if the project names packages; return dbt's exit code."""
    project = Path(options.project_dir or ".").absolute()
    if not any((project / name).is_file() for name in _FILES):
        return 0
    chosen = DbtOptions(**options.model_dump(include=_OPTIONS))
    return invoke(arguments(["deps"], chosen, Secrets(vars=secrets.vars), []))
