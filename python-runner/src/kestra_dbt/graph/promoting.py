"""Whether a graph leaves its project as a single build would, so that later runs may compare with it."""

import json
from collections.abc import Iterable, Mapping, Set
from pathlib import Path

from kestra_dbt.graph.index import Index
from kestra_dbt.protocol import NodeFinished, Outcome, Promotion

RUN = frozenset({"model", "seed", "snapshot", "test", "unit_test", "function"})
"""Types of nodes that `dbt build` runs and reports."""

_BAD = (Outcome.FAILED, Outcome.SKIPPED)


def promotion(
    index: Index,
    nodes: Iterable[NodeFinished],
    lost: Iterable[str],
    results: Iterable[Path],
    exclude: Iterable[str] = (),
) -> Promotion | None:
    """Return what becomes of the state of a project after a graph; None if it keeps none.

    Args:
        index: of the pack.
        nodes: as they ended.
        lost: tasks that left no results.
        results: files of the parts.
        exclude: nodes that the graph leaves out on purpose.
    """
    if index.own_state is None:
        return None
    outcomes = {node.unique_id: node.outcome for node in nodes}
    known = {*outcomes, *exclude}
    obstacle = (
        _elsewhere(index)
        or _undone(outcomes)
        or _lost(lost)
        or _not_in_graph(index, known)
        or _with_fewer_rows(results)
    )
    return Promotion(**index.own_state.model_dump(), obstacle=obstacle)


def _elsewhere(index: Index) -> str | None:
    """The state is looked up before dbt has read the profile, and so may be another's."""
    project, target = index.project, index.place.target
    if index.own_state and (index.own_state.project, index.own_state.target) != (project, target):
        return f"dbt ran project {project} on target {target}, so set `target` of Prepare"
    return None


def _undone(outcomes: Mapping[str, Outcome]) -> str | None:
    bad = [name for name, outcome in outcomes.items() if outcome in _BAD]
    return f"{_named(bad)} failed or did not run" if bad else None


def _lost(tasks: Iterable[str]) -> str | None:
    lost = list(tasks)
    return f"{_named(lost)} left no results" if lost else None


def _not_in_graph(index: Index, known: Set[str]) -> str | None:
    left = [name for name, kind in index.nodes.items() if kind in RUN and name not in known]
    return f"the graph was of a part of the project, without {_named(left)}" if left else None


def _with_fewer_rows(results: Iterable[Path]) -> str | None:
    options = (json.loads(file.read_bytes()).get("args", {}) for file in results)
    return "nodes ran with `empty` or `sample`" if any(o.get("empty") or o.get("sample") for o in options) else None


def _named(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
