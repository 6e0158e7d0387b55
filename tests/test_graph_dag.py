"""The graph of tasks itself, without dbt: what a failure does, and Kestra's restart, on both Kestras."""

import json
import time
from pathlib import Path

from client import Engine, Result

GRAPH = """\
id: graph
namespace: company.tests
tasks:
  - id: graph
    type: io.kestradbt.graph.Dag
    concurrent: 2
    tasks:
{tasks}
"""


def graph(*tasks: tuple[str, str, list[str]], more: str = "") -> str:
    """Return a flow with a graph: id, body and dependencies of each task."""
    items = []
    for task_id, body, depends_on in tasks:
        above = f"\n        dependsOn: {json.dumps(depends_on)}" if depends_on else ""
        items.append(f"      - task: {{id: {task_id}, {body}}}{above}")
    return GRAPH.format(tasks="\n".join(items)) + more


def log(text: str = "here") -> str:
    """Return a task that ends well."""
    return f"type: io.kestra.plugin.core.log.Log, message: {text}"


def states(result: Result) -> dict[str, str]:
    """Return the state of each task."""
    return {task_run["taskId"]: task_run["state"]["current"] for task_run in result.task_runs}


FAIL = "type: io.kestra.plugin.core.execution.Fail"


def test_a_failure_leaves_out_what_depends_on_it_and_nothing_else(engine: Engine, tmp_path: Path) -> None:
    """Other branches end, then the graph is failed; `errors` and `finally` of it run; all of it is named."""
    flow = graph(
        ("boom", FAIL, []),
        ("slow", "type: io.kestra.plugin.core.flow.Sleep, duration: PT1S", []),
        ("other", log(), ["slow"]),
        ("below", log(), ["boom", "other"]),
        ("far_below", log(), ["below"]),
        ("lenient", f"{FAIL}, allowFailure: true", []),
        ("after_lenient", log(), ["lenient"]),
        ("switched_off", f"{FAIL}, disabled: true", []),
        ("after_switched_off", log(), ["switched_off"]),
        more="    errors: [{id: on_error, %s}]\n    finally: [{id: at_last, %s}]\n" % (log(), log()),  # noqa: UP031 - braces
    )
    result = engine.run(flow, tmp_path / "first", timeout=60)
    assert states(result) == {
        "graph": "FAILED",
        "boom": "FAILED",
        "slow": "SUCCESS",
        "other": "SUCCESS",
        "lenient": "WARNING",
        "after_lenient": "SUCCESS",
        "after_switched_off": "SUCCESS",
        "on_error": "SUCCESS",
        "at_last": "SUCCESS",
    }
    assert result.state == "FAILED"
    assert result.log_text.count("Not run, because boom failed: below, far_below.") == 1

    engine.restart(result.execution_id)
    again = engine.wait(result.execution_id, tmp_path / "again", timeout=60)
    attempts = {task_run["taskId"]: len(task_run.get("attempts") or []) for task_run in again.task_runs}
    assert attempts["boom"] == 2
    assert attempts["slow"] == attempts["other"] == attempts["after_lenient"] == 1
    assert states(again) == states(result)


def test_a_graph_is_done_when_all_of_it_is(engine: Engine, tmp_path: Path) -> None:
    """No more run at a time than `concurrent` says, each after what it depends on, and `finally` at last."""
    sleep = "type: io.kestra.plugin.core.flow.Sleep, duration: PT0.5S"
    flow = graph(
        *((f"step_{number}", sleep, []) for number in range(4)),
        ("end", log(), [f"step_{number}" for number in range(4)]),
        more=f"    finally: [{{id: at_last, {log()}}}]\n",
    )
    result = engine.run(flow, tmp_path, timeout=60)
    assert result.state == "SUCCESS"
    spans = [
        (run["state"]["histories"][0]["date"], run["state"]["histories"][-1]["date"])
        for run in result.task_runs
        if run["taskId"].startswith("step_")
    ]
    assert max(sum(begin <= at < end for begin, end in spans) for at, _ in spans) == 2
    assert [run["taskId"] for run in result.task_runs][-2:] == ["end", "at_last"]


def test_a_retry_is_waited_for(engine: Engine, tmp_path: Path) -> None:
    """What depends on a task that fails at first runs after the attempt that succeeds; its failure fails nothing."""
    flaky = f'{FAIL}, condition: "{{{{ (taskrun.attemptsCount ?? 0) < 1 }}}}"'
    retry = "retry: {type: constant, interval: PT0.5S, maxAttempts: 3}"
    flow = graph(("flaky", f"{flaky}, {retry}", []), ("below", log(), ["flaky"]))
    result = engine.run(flow, tmp_path / "out", timeout=60)
    assert len(result.task_run("flaky")["attempts"]) == 2
    assert states(result)["below"] == "SUCCESS"
    assert result.ok


def test_a_pause_holds_back_what_depends_on_it(engine: Engine, tmp_path: Path) -> None:
    """Other branches go on meanwhile; what comes after it runs once it is over."""
    flow = graph(
        ("before", log(), []),
        ("pause", "type: io.kestra.plugin.core.flow.Pause, pauseDuration: PT2S", ["before"]),
        ("after", log(), ["pause"]),
        ("beside", log(), []),
    )
    result = engine.run(flow, tmp_path, timeout=60)
    assert result.ok, states(result)
    begun = {run["taskId"]: run["state"]["histories"][0]["date"] for run in result.task_runs}
    over = result.task_run("pause")["state"]["histories"][-1]["date"]
    assert begun["beside"] < over <= begun["after"]
    assert [step["state"] for step in result.task_run("pause")["state"]["histories"]].count("PAUSED") == 1


def test_a_kill_ends_the_graph(engine: Engine, tmp_path: Path) -> None:
    """What runs is killed, and nothing new is begun."""
    flow = graph(
        ("slow", "type: io.kestra.plugin.core.flow.Sleep, duration: PT60S", []),
        ("quick", log(), []),
        ("below", log(), ["slow"]),
    )
    execution = engine.submit(flow)
    time.sleep(1)
    engine.kill(execution)
    result = engine.wait(execution, tmp_path, timeout=60)
    assert result.state == "KILLED"
    assert "below" not in states(result)


def test_a_graph_that_cannot_be_is_refused(engine: Engine) -> None:
    """As Kestra's own: dependencies that do not exist, and circles."""
    missing = engine.validate(graph(("one", log(), ["nowhere"])))
    assert missing
    assert "nowhere" in missing
    circle = engine.validate(graph(("one", log(), ["two"]), ("two", log(), ["one"])))
    assert circle
