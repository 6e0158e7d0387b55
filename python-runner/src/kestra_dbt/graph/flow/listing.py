"""The project as dbt itself reads it: parsed, and selected from."""

import json
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path

from kestra_dbt.core.options import arguments
from kestra_dbt.errors import ProjectError
from kestra_dbt.graph.flow.manifest import Manifest, read
from kestra_dbt.graph.packages import bring_packages
from kestra_dbt.own_command import own_command
from kestra_dbt.protocol import GraphFlow, Secrets

_SHOWN = 4000
LISTED = "listed.json"
"""Name of a file in the output folder that is gone again when the ids in it are taken."""


def list_project(request: GraphFlow) -> tuple[Manifest, set[str]]:
    """Return the parsed project, and the unique ids of what dbt selects, in a process of its own.

    The project's folder stays as it was.

    Raises:
        ProjectError: dbt can't read the project, or the selection.
    """
    with tempfile.TemporaryDirectory(prefix="kestra-dbt-") as folder:
        own = ["--output", "json", "--output-keys", "unique_id", "--target-path", folder, "--log-path", folder]
        listing = arguments(["ls"], request.options, Secrets(), [*own, *request.args])
        command = [*own_command(), "dbt", "--quiet", "--no-use-colors", *listing]
        ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        told = ended.stdout.decode("utf-8", "replace")
        if ended.returncode:
            raise ProjectError(
                f"dbt cannot list what is selected of the project in {request.options.project_dir or '.'}: mend what "
                "it says.",
                told[-_SHOWN:].strip(),
            )
        return read(Path(folder, "manifest.json")), _ids(told.splitlines())


def list_followed(
    request: GraphFlow, secrets: Secrets, invoke: Callable[..., int], keep: Callable[[object], object], ids: Path
) -> int:
    """Bring the packages, then parse and list in the process of dbt, which a supervisor follows; return the exit code.

    Args:
        request: what to list.
        secrets: variables.
        invoke: runs dbt.
        keep: makes an artifact of what is listed.
        ids: file in which what is selected is left for `listed`.
    """
    code = bring_packages(request.options, secrets, invoke)
    if code:
        return code

    def leave(result: object) -> object:
        if isinstance(result, list):
            ids.write_text(json.dumps(sorted(_ids(result))), encoding="utf-8")
        return keep(result)

    return invoke(arguments(["ls"], request.options, secrets, ["--output", "json", *request.args]), leave)


def listed(ids: Path) -> set[str]:
    """Take the unique ids that `list_followed` has left; none if it did not come to that."""
    if not ids.is_file():
        return set()
    found = set(json.loads(ids.read_bytes()))
    ids.unlink()
    return found


def _ids(lines: Iterable[str]) -> set[str]:
    return {str(json.loads(line)["unique_id"]) for line in lines if line.startswith('{"')}
