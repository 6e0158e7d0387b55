"""The terminal's Gantt, from task runs as Kestra's JSON has them."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "demo"))

from gantt import gantt


def task_run(task_id: str, parent: str | None, state: str, *times: str) -> dict[str, object]:
    """Return a task run with a history of created, running and ended."""
    names = ("CREATED", "RUNNING", state)
    histories = [{"state": name, "date": f"2026-01-15T10:00:{time}Z"} for name, time in zip(names, times, strict=False)]
    return {
        "id": task_id,
        "taskId": task_id,
        "parentTaskRunId": parent,
        "state": {"current": state, "histories": histories},
    }


RUNS = [
    task_run("build", None, "FAILED", "00.0", "00.5", "30.123456789"),
    task_run("orders", "build", "SUCCESS", "10", "12.5", "20"),
    task_run("not_null.id", "orders", "FAILED", "20", "20", "30"),
]


def test_bars_show_waiting_running_and_state() -> None:
    """Children are below their parents, the axis is that of the nodes, and each bar has its length."""
    build, orders, test = gantt(RUNS, width=102, colour=False).splitlines()
    assert orders.startswith("    orders")
    assert test.startswith("      not_null.id")
    assert (orders.count("░"), orders.count("█")) == (5, 15)
    assert (test.count("░"), test.count("█")) == (0, 20)
    assert orders.endswith("  7.50 s ok")
    assert test.endswith(" 10.00 s FAIL")
    assert build.count("█") == 40


def test_no_task_runs() -> None:
    """An execution that did not start has nothing to draw."""
    assert gantt([], width=100) == "  (no task runs)"
