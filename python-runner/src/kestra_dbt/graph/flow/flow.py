"""The flow itself, as Kestra takes it."""

import re
from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from kestra_dbt.errors import ProjectError, RequestError
from kestra_dbt.graph.flow.manifest import BUILT, TESTS, Manifest, Node
from kestra_dbt.graph.flow.names import valid
from kestra_dbt.graph.flow.selected import select
from kestra_dbt.graph.flow.tasks import Graph, Task, build
from kestra_dbt.protocol import FlowOptions

_SUMMARY = 160
_PACK = "{{ outputs.prepare.pack }}"
_PACK_IF_ANY = "{{ outputs.prepare.pack ?? '' }}"
"""Collect runs after a Prepare that failed, too, and then says so."""
_OURS = frozenset({"id", "type", "pack", "nodes", "exclude", "dependsOn"})
"""Properties that make the graph."""

Properties = dict[str, Any]


@dataclass(frozen=True)
class Flow:
    """A flow, with what can be said about it."""

    content: Properties
    tasks: int
    split: list[str]


def flow_from_manifest(
    manifest: Manifest, chosen: Set[str] | None, options: FlowOptions, *, whole: bool = True
) -> Flow:
    """Return the flow of what is ``chosen`` of a project; None: all of it.

    Args:
        manifest: of the project.
        chosen: ids of nodes.
        options: how the flow is cut and named.
        whole: whether what is not chosen is left out on purpose.

    Raises:
        RequestError: there is nothing to run.
        ProjectError: a name can't be part of a flow.
    """
    graph = build(select(manifest, chosen, options), options)
    if not any(task.nodes for task in graph.tasks):
        raise RequestError(
            f"Nothing of the project {manifest.project} is selected that dbt runs: change `select`, `exclude` or "
            "`selector`; `dbt ls` shows what they choose."
        )
    left_out = _left_out(manifest, chosen) if chosen is not None and whole else []
    return Flow(_content(manifest, graph, left_out, options), len(graph.tasks), graph.split)


def _left_out(manifest: Manifest, chosen: Set[str]) -> list[str]:
    return sorted(name for name, node in manifest.nodes.items() if node.runs and name not in chosen)


def _content(manifest: Manifest, graph: Graph, left_out: list[str], options: FlowOptions) -> Properties:
    settings = options.settings
    prepare = {"id": "prepare", "type": "io.kestradbt.graph.Prepare"}
    dag: Properties = {"id": "dbt", "type": "io.kestradbt.graph.Dag"}
    if options.concurrent:
        dag["concurrent"] = options.concurrent
    dag["tasks"] = _tasks(graph, options)
    collect: Properties = {"id": "collect", "type": "io.kestradbt.graph.Collect", "pack": _PACK_IF_ANY}
    if left_out:
        collect["exclude"] = left_out
    own = dict(settings.get("flow", {}))
    return {
        "id": valid(options.flow_id or manifest.project),
        "namespace": options.namespace,
        "description": own.pop(
            "description", f"The dbt project {_plain(manifest.project)}, written by kestra-dbt flow."
        ),
        **{name: value for name, value in own.items() if name not in ("tasks", "finally")},
        "tasks": [
            *own.get("tasks", []),
            {**prepare, **(settings.get("prepare") or {"namespaceFiles": {"enabled": True}})},
            dag,
        ],
        "finally": [{**collect, **settings.get("collect", {})}, *own.get("finally", [])],
    }


def _tasks(graph: Graph, options: FlowOptions) -> list[Properties]:
    ids = {task.key: task.id for task in graph.tasks}
    found = []
    for task in graph.tasks:
        content: Properties = {"task": _leaf(task, options) if task.exposure else _node_task(task, options)}
        if task.depends_on:
            content["dependsOn"] = sorted(ids[key] for key in task.depends_on)
        found.append(content)
    return found


def _node_task(task: Task, options: FlowOptions) -> Properties:
    content: Properties = {"id": task.id, "type": "io.kestradbt.graph.Node"}
    built = [node for node in task.nodes if node.resource_type in BUILT]
    if description := _description(built[0] if len(built) == 1 else None, task.nodes, options):
        content["description"] = description
    ordered = sorted(task.nodes, key=lambda node: (node.resource_type in TESTS, node.unique_id))
    nodes = [_unrendered(node.unique_id) for node in ordered]
    return {**content, "pack": _PACK, "nodes": nodes, **options.settings.get("node", {})}


def _leaf(task: Task, options: FlowOptions) -> Properties:
    exposure = task.exposure
    if exposure is None:
        raise TypeError(task)
    text = " ".join(filter(None, [_description(exposure, [], options), _plain(exposure.url or "")]))
    content = {"id": task.id, "type": "io.kestra.plugin.core.log.Log"}
    return {**content, **({"description": text} if text else {}), "message": "What this exposure reads is built."}


def _description(one: Node | None, nodes: list[Node], options: FlowOptions) -> str:
    """Return the first words about the one node, else how many there are; and a link to its documentation."""
    if one is None:
        return f"{len(nodes)} nodes." if len(nodes) > 1 else ""
    words = " ".join(_plain(one.description).split())
    short = words if len(words) <= _SUMMARY else f"{words[: _SUMMARY - 1].rsplit(' ', 1)[0]}…"
    page = f"{options.docs_url.rstrip('/')}/#!/{one.resource_type}/{one.unique_id}" if options.docs_url else ""
    return " ".join(filter(None, [short, _plain(page)]))


def _plain(text: str) -> str:
    """Return ``text`` without what Kestra would take for an expression."""
    return re.sub(r"\{(?=[{%#])", "{ ", text)


def _unrendered(unique_id: str) -> str:
    if not re.search(r"\{[{%#]", unique_id):
        return unique_id
    if re.search(r"\{%-?\s*endraw", unique_id):
        raise ProjectError(f"The name of {unique_id} ends a raw block of Kestra's expressions: rename the node.")
    return f"{{% raw %}}{unique_id}{{% endraw %}}"


def merged_settings(given: object, where: str) -> Mapping[str, Mapping[str, Any]]:
    """Return people's own properties, if they have the parts that a flow has.

    Raises:
        RequestError: they haven't.
    """
    parts = ("flow", "prepare", "node", "collect")
    if given is None:
        return {}
    wrong = next((key for key in given if key not in parts), None) if isinstance(given, dict) else "no mapping"
    if not isinstance(given, dict) or wrong is not None or not all(isinstance(part, dict) for part in given.values()):
        raise RequestError(
            f"{where}: settings are a mapping of {', '.join(parts)} to properties of these"
            f"{f', not {wrong}' if wrong else ''}."
        )
    taken = sorted({name for part in ("prepare", "node", "collect") for name in given.get(part, {})} & _OURS)
    if taken:
        raise RequestError(
            f"{where}: {', '.join(taken)} of a task cannot be set, for the graph is made by that: leave it out."
        )
    return given
