"""The project as dbt itself reads it: parsed, and selected from, in a process of its own."""

import json
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from kestra_dbt.errors import ProjectError
from kestra_dbt.graph.flow.manifest import Manifest, read
from kestra_dbt.own_command import own_command

_SHOWN = 4000


def list_project(project_dir: str | None, arguments: Sequence[str]) -> tuple[Manifest, set[str]]:
    """Return the parsed project, and the unique ids of what dbt selects.

    Args:
        project_dir: folder with dbt_project.yml; none: the working directory, as for dbt.
        arguments: further ones of `dbt ls`.

    Raises:
        ProjectError: dbt can't read the project, or the selection.
    """
    with tempfile.TemporaryDirectory(prefix="kestra-dbt-") as folder:
        options = ["--output", "json", "--output-keys", "unique_id", "--target-path", folder, "--log-path", folder]
        where = ["--project-dir", project_dir] if project_dir else []
        command = [*own_command(), "dbt", "--quiet", "--no-use-colors", "ls", *where, *options, *arguments]
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        told = ended.stdout.decode("utf-8", "replace")
        if ended.returncode:
            raise ProjectError(
                f"dbt cannot list what is selected of the project in {project_dir or '.'}: mend what it says.",
                told[-_SHOWN:].strip(),
            )
        return read(Path(folder, "manifest.json")), _ids(told)


def _ids(told: str) -> set[str]:
    found = set()
    for line in told.splitlines():
        if line.startswith('{"'):
            found.add(str(json.loads(line)["unique_id"]))
    return found
