"""One set of results, as of a single `dbt build`, made of those of all parts of a graph."""

import json
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kestra_dbt.terms.times import when

Entry = dict[str, Any]
"""A result in run_results.json or sources.json."""

_NOT_DONE = frozenset({"error", "fail", "runtime error", "partial success"})
"""Statuses of nodes that failed: what depends on them is not run."""

_OF_ONE_PART = ("select", "exclude", "selector", "indirect_selection", "state", "defer", "favor_state", "vars")
"""Arguments of a part that would be wrong of the whole."""


def merged(files: Iterable[Path]) -> Entry | None:
    """Return the results in ``files`` as one, the last one of each node; None if there are none.

    Hooks are run by each part, so each part's count.
    """
    read = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    parts = sorted(read, key=lambda part: str(part["metadata"]["generated_at"]))
    if not parts:
        return None
    entries: dict[Any, Entry] = {}
    for number, part in enumerate(parts):
        for entry in part["results"]:
            name = entry["unique_id"]
            key = (name, number) if name.startswith("operation.") else name
            entries.pop(key, None)  # the last one's place counts too: it is when the node was done
            entries[key] = entry
    last, results = parts[-1], list(entries.values())
    whole = {**last, "results": results, "elapsed_time": _elapsed(results)}
    if "args" in last:
        kept = {name: value for name, value in last["args"].items() if name not in _OF_ONE_PART}
        whole["args"] = {**kept, "which": "build", "invocation_command": "dbt build"}
    return whole


def left_out(
    results: list[Entry], graph: list[str], candidates: Iterable[str], children: Mapping[str, list[str]]
) -> list[Entry]:
    """Return a result for each node that was not run because one that it depends on failed, or its task did not run.

    Args:
        results: of the nodes that were run, and of the sources that were checked.
        graph: all nodes that were meant to run, as far as they are known.
        candidates: else, the nodes that may have been.
        children: what depends on each node.
    """
    statuses = {entry["unique_id"]: entry["status"] for entry in results}
    failed = [name for name, status in statuses.items() if status in _NOT_DONE]
    because: dict[str, str] = {}
    queue = deque((child, name) for name in failed for child in children.get(name, []))
    while queue:
        node, cause = queue.popleft()
        if node not in because and statuses.get(node, "skipped") == "skipped":  # also by dbt itself, in one task
            because[node] = cause
            queue.extend((child, cause) for child in children.get(node, []))
    told = {node: f"Skipped, because {cause} failed." for node, cause in because.items()}
    otherwise = dict.fromkeys(graph, "Skipped, because its task did not run.")
    return [skipped(node, {**otherwise, **told}[node]) for node in _not_in(statuses, graph or candidates, told, graph)]


def _not_in(statuses: Mapping[str, str], nodes: Iterable[str], told: Mapping[str, str], graph: list[str]) -> list[str]:
    return [node for node in nodes if node not in statuses and (graph or node in told)]


def edges_with_tests(
    children: Mapping[str, Sequence[str]], parents: Mapping[str, Sequence[str]]
) -> dict[str, list[str]]:
    """Return the edges with those that a failing test makes: what reads a model waits for its tests."""
    edges = {name: list(below) for name, below in children.items()}
    for name, above in parents.items():
        if name.startswith(("test.", "unit_test.")):
            below = [child for node in above for child in children.get(node, []) if child != name]
            edges[name] = [child for child in below if not child.startswith(("test.", "unit_test."))]
    return edges


def skipped(unique_id: str, message: str) -> Entry:
    """Return the result of a node that was not run."""
    times: Entry = {"timing": [], "thread_id": "", "execution_time": 0.0, "adapter_response": {}}
    nothing = dict.fromkeys(("failures", "compiled", "compiled_code", "relation_name", "batch_results"), None)
    return {"unique_id": unique_id, "status": "skipped", "message": message, **times, **nothing}


def _elapsed(results: list[Entry]) -> float:
    times = [
        when(step[name]) for entry in results for step in entry.get("timing") or () for name in _ENDS if step[name]
    ]
    return round((max(times) - min(times)).total_seconds(), 6) if times else 0.0


_ENDS = ("started_at", "completed_at")
