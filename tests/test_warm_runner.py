"""Tasks for dbt Core over the task runner Warm, on a real Kestra."""

from pathlib import Path

import flows
import pytest
from client import Engine, LogEntry
from conftest import PROJECTS, RunFlow
from test_bad_input import read, warm_processes
from test_core_build import node_runs
from waiting import wait_until

WARM = "taskRunner: {type: io.kestradbt.runner.Warm, maxTasks: 17}"
"""With a limit that no other test has, so that its process is its own."""

STARTED = "A warm process was started"


def known_by(engine: Engine) -> set[int]:
    """Return the warm processes that know what dbt has parsed of a project."""
    return {pid for pid in warm_processes(engine.pid) if read(Path(f"/proc/{pid}/comm")) == b"kestra-dbt kept\n"}


@pytest.mark.by_turns
def test_builds_share_a_process_and_nothing_else(run_flow: RunFlow, engine: Engine, tmp_path: Path) -> None:
    """The second one finds the process that the first one made; a kill stops its own fork alone."""
    others = set(warm_processes(engine.pid))

    def own() -> set[int]:
        return set(warm_processes(engine.pid)) - others - known_by(engine)

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


@pytest.mark.by_turns
def test_a_project_that_is_run_again_and_again_is_in_memory(run_flow: RunFlow, engine: Engine) -> None:
    """From the third build on, a process knows what dbt has parsed; with it, a build is as the first one was."""
    others = set(warm_processes(engine.pid))
    warm = WARM.replace("17", "18")

    def of_the_project() -> set[int]:
        return known_by(engine) - others

    first, *_ = [run_flow(flows.build(warm)) for _ in range(3)]
    wait_until(of_the_project)
    last = run_flow(flows.build(warm))
    assert last.state == first.state == "SUCCESS", last.log_text
    assert set(node_runs(last)) == set(node_runs(first))
    assert set(last.outputs("build")["artifacts"]) == set(first.outputs("build")["artifacts"])
    assert STARTED not in last.log_text
    assert len(of_the_project()) == 1
