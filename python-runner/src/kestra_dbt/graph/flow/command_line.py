"""`kestra-dbt flow`: a dbt project as a flow whose tasks are its nodes."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kestra_dbt.errors import KestraDbtError, RequestError
from kestra_dbt.graph.flow.arguments import parser
from kestra_dbt.graph.flow.deployment import account_from_environment, deploy
from kestra_dbt.graph.flow.flow import Flow, flow_from_manifest, merged_settings
from kestra_dbt.graph.flow.listing import list_project
from kestra_dbt.graph.flow.manifest import Manifest, read
from kestra_dbt.graph.flow.options import Options
from kestra_dbt.graph.flow.selected import select
from kestra_dbt.graph.flow.size import ADVISED, advice
from kestra_dbt.graph.flow.staleness import differences
from kestra_dbt.graph.flow.tasks import build
from kestra_dbt.graph.flow.text import from_yaml, to_yaml

STALE_CODE = 1
_USAGE_CODE = 2


def run_command_line(arguments: Sequence[str]) -> int:
    """Run the command line ``arguments``, and return the exit code."""
    given = parser().parse_args(arguments)
    try:
        return _write(given)
    except KestraDbtError as error:
        _say(error.sentence, *([error.detail] if error.detail else []))
    except OSError as error:
        _say(f"{error.strerror}: {error.filename}.")
    return _USAGE_CODE


def _write(given: argparse.Namespace) -> int:
    options = _options(given)
    manifest, chosen = _project(given)
    flow = flow_from_manifest(manifest, chosen, options)
    _tell(flow, manifest, chosen, options)
    text = to_yaml(flow.content)
    if given.check:
        return _check(given.check, flow)
    if given.deploy:
        account = account_from_environment(given.deploy, given.tenant, os.environ)
        _say(f"{given.deploy}: {flow.content['namespace']}.{flow.content['id']} {deploy(flow.content, text, account)}.")
    elif given.output:
        given.output.write_text(text, encoding="utf-8")
        _say(f"{given.output}: {flow.tasks} tasks, {len(text.encode()) // 1024 + 1} KB.")
    else:
        sys.stdout.buffer.write(text.encode())
        sys.stdout.buffer.flush()
    return 0


def _options(given: argparse.Namespace) -> Options:
    settings = from_yaml(given.settings.read_text(encoding="utf-8"), str(given.settings)) if given.settings else None
    return Options(
        flow_id=given.id,
        namespace=given.namespace,
        concurrent=given.concurrent,
        granularity=given.granularity,
        tests=given.tests,
        gates=given.freshness == "gate",
        exposures=given.exposures,
        docs_url=given.docs_url,
        settings=merged_settings(settings, str(given.settings)),
    )


def _project(given: argparse.Namespace) -> tuple[Manifest, set[str] | None]:
    selection = [
        *(word for terms in given.select for word in ("--select", terms)),
        *(word for terms in given.exclude for word in ("--exclude", terms)),
        *(["--selector", given.selector] if given.selector else []),
        *(["--indirect-selection", given.indirect_selection] if given.indirect_selection else []),
    ]
    connection = [
        *(["--profiles-dir", given.profiles_dir] if given.profiles_dir else []),
        *(["--profile", given.profile] if given.profile else []),
        *(["--target", given.target] if given.target else []),
        *(["--vars", given.vars] if given.vars else []),
    ]
    if given.manifest is None:
        return list_project(given.project_dir, [*connection, *selection])
    if selection or connection or given.project_dir:
        raise RequestError(
            "A manifest is taken as a whole, for dbt selects from a project: use `--project-dir`, with the profile "
            "that dbt needs to read it, instead of `--manifest`."
        )
    return read(given.manifest), None


def _tell(flow: Flow, manifest: Manifest, chosen: set[str] | None, options: Options) -> None:
    if flow.split:
        _say(f"Split, for their nodes depend on other tasks that depend on them again: {', '.join(flow.split)}.")
    coarser = {}
    if flow.tasks > ADVISED:
        for granularity in ("folder", "layer", "package"):
            other = replace(options, granularity=granularity)
            coarser[granularity] = len(build(select(manifest, chosen, other), other).tasks)
    if said := advice(flow.tasks, {name: count for name, count in coarser.items() if count < flow.tasks}):
        _say(said)


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
