"""Arguments of `kestra-dbt flow`."""

import argparse
from pathlib import Path
from typing import Any, get_args

from kestra_dbt.protocol import DbtOptions, FlowOptions, Granularity, GraphFlow, TestPlace


def parser() -> argparse.ArgumentParser:
    """Return what reads them."""
    defaults = FlowOptions()
    found = argparse.ArgumentParser(
        prog="kestra-dbt flow",
        description="Write the Kestra flow in which the nodes of a dbt project are tasks.",
    )
    terms: dict[str, Any] = {"action": "extend", "nargs": "+", "default": [], "metavar": "TERM"}
    project = found.add_argument_group("project")
    project.add_argument("--project-dir", help="folder with dbt_project.yml (default: this folder); dbt parses it")
    project.add_argument("--manifest", help="manifest.json of a project, which is taken as a whole, instead")
    project.add_argument("--profiles-dir", help="as dbt's")
    project.add_argument("--profile", help="as dbt's")
    project.add_argument("--target", help="as dbt's")
    project.add_argument("--vars", help="as dbt's")
    project.add_argument("--select", "-s", **terms, help="nodes to include, in dbt's syntax")
    project.add_argument("--exclude", **terms, help="nodes to leave out, in dbt's syntax")
    project.add_argument("--selector", help="name of a selector of selectors.yml")
    ways = ("eager", "cautious", "buildable", "empty")
    project.add_argument("--indirect-selection", choices=ways, help="which tests selected nodes bring along, as dbt's")
    graph = found.add_argument_group("graph")
    graph.add_argument(
        "--granularity", choices=get_args(Granularity), default=defaults.granularity, help="what a task holds"
    )
    graph.add_argument(
        "--tests", choices=get_args(TestPlace), default=defaults.tests, help="in the tasks of what they test, or where"
    )
    graph.add_argument("--freshness", choices=("gate",), help="sources with freshness criteria hold back their readers")
    graph.add_argument("--exposures", action="store_true", help="exposures are leaves of the graph")
    flow = found.add_argument_group("flow")
    flow.add_argument("--id", help="id of the flow (default: the project's name)")
    flow.add_argument("--namespace", default=defaults.namespace, help=f"of the flow (default: {defaults.namespace})")
    flow.add_argument("--concurrent", type=_count, default=defaults.concurrent, help="tasks at once; 0: no limit")
    flow.add_argument("--docs-url", help="where the project's documentation is, for links to it")
    flow.add_argument("--settings", help="YAML with your own properties of flow, prepare, node and collect")
    what = found.add_mutually_exclusive_group()
    what.add_argument("-o", "--output", type=Path, metavar="FILE", help="write it there (default: standard output)")
    what.add_argument(
        "--check", type=Path, metavar="FILE", help="exit with 1 if this file is not what would be written"
    )
    what.add_argument("--deploy", metavar="URL", help="put it on this Kestra server, if that has another one")
    found.add_argument("--tenant", default="main", help="of the Kestra server (default: main)")
    return found


def request_of(given: argparse.Namespace) -> GraphFlow:
    """Return what is asked for by the arguments."""
    return GraphFlow(
        manifest=given.manifest,
        options=DbtOptions(
            project_dir=given.project_dir,
            profiles_dir=given.profiles_dir,
            profile=given.profile,
            target=given.target,
            select=given.select,
            exclude=given.exclude,
            selector=given.selector,
            indirect_selection=given.indirect_selection,
        ),
        args=["--vars", given.vars] if given.vars else [],
        flow=FlowOptions(
            flow_id=given.id,
            namespace=given.namespace,
            concurrent=given.concurrent,
            granularity=given.granularity,
            tests=given.tests,
            freshness_gates=given.freshness == "gate",
            exposures=given.exposures,
            docs_url=given.docs_url,
        ),
        settings_file=given.settings,
        deploy_to=given.deploy,
        tenant=given.tenant,
    )


def _count(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text} is no number of tasks")
    return int(text)
