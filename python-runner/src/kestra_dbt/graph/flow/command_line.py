"""`kestra-dbt flow`: a dbt project as a flow whose tasks are its nodes."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from kestra_dbt.errors import KestraDbtError
from kestra_dbt.graph.flow.arguments import parser, request_of
from kestra_dbt.graph.flow.deployment import WAY_IN, account, deploy, login_from_environment, told
from kestra_dbt.graph.flow.flow import Flow
from kestra_dbt.graph.flow.listing import list_project
from kestra_dbt.graph.flow.making import is_whole, make, settled, whole_manifest
from kestra_dbt.graph.flow.manifest import Manifest
from kestra_dbt.graph.flow.staleness import differences
from kestra_dbt.graph.flow.text import from_yaml
from kestra_dbt.protocol import GraphFlow, Secrets

STALE_CODE = 1
_USAGE_CODE = 2


def run_command_line(arguments: Sequence[str]) -> int:
    """Run the command line ``arguments``, and return the exit code."""
    given = parser().parse_args(arguments)
    try:
        return _write(request_of(given), given.output, given.check)
    except KestraDbtError as error:
        _say(error.sentence, *([error.detail] if error.detail else []))
    except OSError as error:
        _say(f"{error.strerror}: {error.filename}.")
    return _USAGE_CODE


def _write(request: GraphFlow, output: Path | None, check: Path | None) -> int:
    options = settled(request)
    made = make(options, *_project(request), whole=is_whole(request))
    _say(*made.notes)
    if check:
        return _check(check, made.flow)
    if request.deploy_to:
        there = account(request.deploy_to, request.tenant, login_from_environment(os.environ), WAY_IN)
        _say(told(made.flow.content, deploy(made.flow.content, made.text, there), there))
    elif output:
        output.write_text(made.text, encoding="utf-8")
        _say(f"{output}: {made.flow.tasks} tasks, {len(made.text.encode()) // 1024 + 1} KB.")
    else:
        sys.stdout.buffer.write(made.text.encode())
        sys.stdout.buffer.flush()
    return 0


def _project(request: GraphFlow) -> tuple[Manifest, set[str] | None]:
    if request.manifest is None:
        return list_project(request)
    return whole_manifest(request, request.manifest, Secrets()), None


def _check(file: Path, flow: Flow) -> int:
    kept = from_yaml(file.read_text(encoding="utf-8"), str(file)) if file.exists() else None
    found = differences(kept, flow.content)
    if not found:
        _say(f"{file} is up to date: {flow.tasks} tasks.")
        return 0
    _say(f"{file} {'is stale' if file.exists() else 'is not there'}: write it anew with `-o {file}`.", *found)
    return STALE_CODE


def _say(*lines: str) -> None:
    for line in lines:
        sys.stderr.write("".join(sign if sign.isprintable() or sign == "\n" else " " for sign in line) + "\n")
    sys.stderr.flush()
