"""Tasks for dbt Core over the task runner Warm, on a real Kestra."""

from pathlib import Path

import flows
import pytest
from client import Engine, LogEntry
from conftest import PROJECTS, RunFlow
from test_bad_input import warm_processes
from test_core_build import node_runs
from waiting import wait_until

WARM = "taskRunner: {type: io.kestradbt.runner.Warm, maxTasks: 17}"
"""With a limit that no other test has, so that its process is its own."""

STARTED = "A warm process was started"


@pytest.mark.by_turns
def test_builds_share_a_process_and_nothing_else(run_flow: RunFlow, engine: Engine, tmp_path: Path) -> None:
    """The second one finds the process that the first one made; a kill stops its own fork alone."""
    others = set(warm_processes(engine.pid))

    def own() -> set[int]:
        return set(warm_processes(engine.pid)) - others

    first = run_flow(flows.build(WARM), project="broken/warning")
    assert first.state == "WARNING", first.log_text
    assert STARTED in first.log_text
    nodes, artifacts = set(node_runs(first)), set(first.outputs("build")["artifacts"])
    second = run_flow(flows.build(WARM), project="broken/warning")
    assert second.state == "WARNING", second.log_text
    assert STARTED not in second.log_text
    assert set(node_runs(second)) == nodes
    assert set(second.outputs("build")["artifacts"]) == artifacts
    wait_until(lambda: len(own()) == 1)  # the one made by the first request is followed by its fork, and ends
    idle = own()

    slow = flows.build(f"{WARM}\nvars: {{rows: 4000000000}}")
    execution_id = engine.submit(slow, files=PROJECTS / "broken" / "slow")

    def kill_at_the_first(entry: LogEntry) -> None:
        if str(entry["message"]).startswith("START "):
            engine.kill(execution_id)

    killed = engine.wait(execution_id, tmp_path / "killed", timeout=120, on_log=kill_at_the_first)
    assert killed.state == "KILLED", killed.log_text
    wait_until(lambda: own() == idle)
    assert {"dbt.log", "nodes.ion"} <= set(killed.outputs("build")["artifacts"])
