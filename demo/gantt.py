"""A Gantt chart of an execution's task runs, in characters."""

import sys
from datetime import datetime
from typing import Any

TaskRun = dict[str, Any]

_MARKS = {"SUCCESS": "ok", "WARNING": "warn", "FAILED": "FAIL", "SKIPPED": "skip", "KILLED": "KILL", "RUNNING": "..."}
_COLOURS = {"SUCCESS": "32", "WARNING": "33", "FAILED": "31", "SKIPPED": "90", "KILLED": "31"}
_LABEL_WIDTH = 44


def gantt(task_runs: list[TaskRun], width: int, colour: bool | None = None) -> str:
    """Draw one row for each task run, children below their parents, in the order in which they began.

    Args:
        task_runs: as Kestra's JSON of an execution has them.
        width: characters of a row.
        colour: whether to colour the bars by state. Default: if the output is a terminal.

    Returns:
        The rows; a light part of a bar is time spent waiting.
    """
    if not task_runs:
        return "  (no task runs)"
    colour = sys.stdout.isatty() if colour is None else colour
    # The axis is that of the nodes: how long dbt took to load the project would press them together.
    nodes = [run for run in task_runs if run.get("parentTaskRunId")] or task_runs
    axis = min(_times(run)[0] for run in nodes), max(_times(run)[-1] for run in nodes)
    bar_width = max(width - _LABEL_WIDTH - 18, 20)
    return "\n".join(_row(run, depth, axis, bar_width, colour) for run, depth in _in_order(task_runs))


def _in_order(task_runs: list[TaskRun]) -> list[tuple[TaskRun, int]]:
    known = {run["id"] for run in task_runs}
    children: dict[str | None, list[TaskRun]] = {}
    for run in sorted(task_runs, key=lambda run: _times(run)[0]):
        parent = run.get("parentTaskRunId")
        children.setdefault(parent if parent in known else None, []).append(run)

    def below(parent: str | None, depth: int) -> list[tuple[TaskRun, int]]:
        return [row for run in children.get(parent, []) for row in [(run, depth), *below(run["id"], depth + 1)]]

    return below(None, 0)


def _row(run: TaskRun, depth: int, axis: tuple[datetime, datetime], bar_width: int, colour: bool) -> str:
    begin, end = axis
    scale = bar_width / max((end - begin).total_seconds(), 0.001)
    created, running, ended = _times(run)
    start, middle, stop = (
        min(max(round((time - begin).total_seconds() * scale), 0), bar_width) for time in (created, running, ended)
    )
    bar = ("░" * (middle - start) + "█" * max(stop - middle, 1))[: bar_width - start] or "█"
    state = run["state"]["current"]
    painted = f"\033[{_COLOURS.get(state, '0')}m{bar}\033[0m" if colour else bar
    label = f"{'  ' * depth}{run['taskId']}"[:_LABEL_WIDTH]
    rest = " " * max(bar_width - start - len(bar), 0)
    seconds = (ended - running).total_seconds()
    return f"  {label:<{_LABEL_WIDTH}} {' ' * start}{painted}{rest} {seconds:6.2f} s {_MARKS.get(state, state.lower())}"


def _times(run: TaskRun) -> tuple[datetime, datetime, datetime]:
    histories = run["state"]["histories"]
    running = next((step for step in histories if step["state"] == "RUNNING"), histories[-1])
    return _time(histories[0]["date"]), _time(running["date"]), _time(histories[-1]["date"])


def _time(text: str) -> datetime:
    """Read a timestamp of Kestra; older Pythons take six digits after the point at most, and no Z."""
    whole, _, fraction = text.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{(fraction or '0')[:6]:0<6}+00:00")
