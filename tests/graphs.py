"""Flows with a dbt project as a graph of tasks, for the tests; what `kestra-dbt flow` writes looks alike."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

Profiles = dict[str, Any]
Manifest = dict[str, Any]

_RUN = ("model", "seed", "snapshot", "test", "unit_test")


def parse(project: Path, profiles: Profiles, work: Path) -> Manifest:
    """Return the manifest of a project."""
    dbt(project, profiles, work, "parse")
    manifest: Manifest = json.loads((work / "target" / "manifest.json").read_bytes())
    return manifest


def dbt(project: Path, profiles: Profiles, work: Path, *arguments: str | Path) -> list[str]:
    """Run dbt on a project as people do, with what it writes in ``work``; return the lines it prints."""
    work.mkdir(exist_ok=True)
    (work / "profiles.yml").write_text(json.dumps(profiles))
    places: list[str | Path] = ["--project-dir", project, "--profiles-dir", work]
    places += ["--target-path", work / "target", "--log-path", work]
    program = Path(sys.executable).parent / "dbt"
    environment = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    done = subprocess.run(
        [program, *arguments, *places], check=True, stdout=subprocess.PIPE, env=environment, text=True
    )
    return done.stdout.splitlines()


def duckdb(file: Path, profile: str = "shop") -> Profiles:
    """Return profiles that lead to a DuckDB file, wherever a task runs."""
    return {profile: {"target": "dev", "outputs": {"dev": {"type": "duckdb", "path": str(file), "threads": 4}}}}


def by_group(manifest: Manifest, group: Callable[[Manifest], str]) -> dict[str, tuple[list[str], list[str]]]:
    """Return each group's nodes and the groups that it depends on.

    Args:
        manifest: of the project.
        group: names the group of a seed, model or snapshot; tests are in the last group of those that they read.
    """
    nodes = {**manifest["nodes"], **manifest["unit_tests"]}
    run = {name: node for name, node in nodes.items() if node["resource_type"] in _RUN}
    groups = {name: group(node) for name, node in run.items() if "test" not in node["resource_type"]}
    order = _in_order(groups, manifest)
    for name, node in run.items():
        if name not in groups:
            read = [groups[above] for above in node["depends_on"]["nodes"] if above in groups]
            groups[name] = max(read, key=order.index)
    return {
        one: ([name for name in run if groups[name] == one], sorted(_above(one, groups, manifest))) for one in order
    }


def _above(one: str, groups: dict[str, str], manifest: Manifest) -> set[str]:
    nodes = {**manifest["nodes"], **manifest["unit_tests"]}
    read = (
        above for name, group in groups.items() if group == one for above in nodes[name]["depends_on"].get("nodes", ())
    )
    return {groups[above] for above in read if above in groups} - {one}


def _in_order(groups: dict[str, str], manifest: Manifest) -> list[str]:
    order: list[str] = []
    left = sorted(set(groups.values()))
    while left:
        ready = [one for one in left if _above(one, groups, manifest) <= set(order)]
        assert ready, f"the groups depend on each other: {left}"
        order += ready
        left = [one for one in left if one not in order]
    return order


def flow(
    groups: Mapping[str, tuple[Iterable[str], Iterable[str]]],
    profiles: Profiles,
    *,
    concurrent: int = 1,
    prepare: dict[str, Any] | None = None,
    nodes: Mapping[str, Mapping[str, Any]] | None = None,
    collect: dict[str, Any] | None = None,
) -> str:
    """Return the flow, as JSON, which is YAML too.

    Args:
        groups: each task's nodes and the tasks it depends on.
        profiles: of all tasks.
        concurrent: tasks at a time.
        prepare: more properties of the first task.
        nodes: more properties of tasks of the graph, by id.
        collect: more properties of the last task.
    """
    pack = "{{ outputs.prepare.pack }}"
    files = {"namespaceFiles": {"enabled": True}}
    tasks = [
        {
            "task": {
                "id": name,
                "type": "io.kestradbt.graph.Node",
                "pack": pack,
                "profiles": profiles,
                "nodes": list(ids),
                **(nodes or {}).get(name, {}),
            },
            "dependsOn": list(above),
        }
        for name, (ids, above) in groups.items()
    ]
    first = {"id": "prepare", "type": "io.kestradbt.graph.Prepare", "profiles": profiles, **files, **(prepare or {})}
    graph = {"id": "dbt", "type": "io.kestradbt.graph.Dag", "concurrent": concurrent, "tasks": tasks}
    last = {"id": "collect", "type": "io.kestradbt.graph.Collect", "pack": pack.replace(" }}", " ?? '' }}")}
    last |= collect or {}
    whole = {"id": "graph", "namespace": "company.tests", "tasks": [first, graph], "finally": [last]}
    return json.dumps(whole, indent=2) + "\n"
