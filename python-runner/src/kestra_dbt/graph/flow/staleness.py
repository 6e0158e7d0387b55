"""How a flow differs from one that is kept somewhere."""

from typing import Any

_NAMED_AT_MOST = 10


def differences(kept: Any, new: dict[str, Any]) -> list[str]:  # noqa: ANN401 - a file may hold anything
    """Return what is different, a line each; none: they mean the same."""
    if kept == new:
        return []
    before, after = _tasks(kept), _tasks(new)
    changed = [task_id for task_id in before if task_id in after and before[task_id] != after[task_id]]
    lines = [
        *_line("new", [task_id for task_id in after if task_id not in before]),
        *_line("gone", [task_id for task_id in before if task_id not in after]),
        *_line("changed", changed),
    ]
    return lines or ["the flow around the graph, or the order of tasks"]


def _tasks(flow: Any) -> dict[str, Any]:  # noqa: ANN401 - likewise
    try:
        dag = next(task for task in flow["tasks"] if task["id"] == "dbt")
        return {entry["task"]["id"]: entry for entry in dag["tasks"]}
    except (TypeError, KeyError, StopIteration):
        return {}


def _line(what: str, ids: list[str]) -> list[str]:
    if not ids:
        return []
    more = f" and {len(ids) - _NAMED_AT_MOST} more" if len(ids) > _NAMED_AT_MOST else ""
    return [f"{what} ({len(ids)}): {', '.join(ids[:_NAMED_AT_MOST])}{more}"]
