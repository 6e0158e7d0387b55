"""Over a task runner that isolates as a container does (Isolated.java), everything works as on the worker."""

from pathlib import Path

import flows
import pytest
from client import Engine
from conftest import PROJECTS, RunFlow
from test_bad_input import read, runner_processes
from test_core_build import node_runs, rows
from waiting import wait_until

ISOLATED = "taskRunner:\n  type: io.kestradbt.engine.Isolated\n"

ONE_AFTER_ANOTHER = """
id: isolated
namespace: company.tests
tasks:
  - id: cli
    type: io.kestradbt.core.DbtCLI
    taskRunner:
      type: io.kestradbt.engine.Isolated
    namespaceFiles:
      enabled: true
    env:
      GREETING: hello
    profiles:
      shop:
        target: dev
        outputs:
          dev: {type: duckdb, path: dev.duckdb, threads: 2}
    commands:
      - dbt build
      - mkdir production && cp target/manifest.json production/
      - env > seen.txt && pwd >> seen.txt
    outputFiles: [production/manifest.json, "*.txt"]

  - id: build
    type: io.kestradbt.core.Build
    taskRunner:
      type: io.kestradbt.engine.Isolated
    namespaceFiles:
      enabled: true
    inputFiles:
      profiles.yml: "not for dbt: it has a profile of its own"
      production/manifest.json: "{{ outputs.cli.outputFiles['production/manifest.json'] }}"
      models/boom.sql: |
        {{ '{{ config(materialized="table") }}' }} select cast('no number' as integer) as id
    allowFailure: true
    engine: FUSION
    pythonPath: python3
    dependencies: [dbt-duckdb]
    profiles: |
      shop:
        target: dev
        outputs:
          dev: {type: duckdb, path: dev.duckdb, threads: 2}
    state: production
    select: ["state:modified"]
    generateDocs: true
    outputFiles: ["dev.duckdb"]
"""


@pytest.mark.by_turns
def test_everything_comes_back(run_flow: RunFlow) -> None:
    """Files in and out, profiles, state, a failing model, artifacts; a dbt that is run as a command, too."""
    result = run_flow(ONE_AFTER_ANOTHER, project="broken/warning")
    assert result.state == "WARNING", result.log_text[-4000:]
    cli, build = result.outputs("cli"), result.outputs("build")
    assert set(cli["outputFiles"]) == {"production/manifest.json", "seen.txt"}
    seen = result.files["cli/seen.txt"].read_text().splitlines()
    assert "GREETING=hello" in seen
    assert not [line for line in seen if line.startswith(("HOME=", "USER=", "KESTRA_DBT_SECRETS="))]
    assert Path(seen[-1]).name.startswith("isolated-")
    for task in ("cli", "build"):
        kept = {name.partition("/")[2] for name in result.files if name.startswith(f"{task}/")}
        assert {"manifest.json", "run_results.json", "dbt.log", "nodes.ion", "summary.md", "report.html"} <= kept
    assert build["failed"] == ["model.warning.boom"]
    assert set(build["outputFiles"]) == {"dev.duckdb"}
    assert [row["label"] for row in rows(result, "build")] == ["boom"]
    assert {"cli", "people", "build", "boom"} <= {run["taskId"] for run in result.task_runs}
    assert "dbt is run as a command, " in result.log_text


def test_a_kill_is_a_termination(engine: Engine, tmp_path: Path) -> None:
    """No stop file gets there: the runner is terminated, stops dbt within its grace, and tells so."""
    flow = flows.build(f"{ISOLATED}vars:\n  rows: 4000000000")
    execution_id = engine.submit(flow, files=PROJECTS / "broken" / "slow")

    def nodes_run() -> bool:
        folders = [Path(f"/proc/{pid}/cwd") for pid in runner_processes(engine)]
        return any(b"[RUN]" in read(folder / "logs" / "dbt.log") for folder in folders)

    try:
        wait_until(nodes_run)
    finally:
        engine.kill(execution_id)
    result = engine.wait(execution_id, tmp_path / "out", timeout=90)
    assert result.state == "KILLED", result.log_text[-3000:]
    wait_until(lambda: not runner_processes(engine), 5)
    assert "cannot be reached, or has not started yet: it is killed" in result.log_text
    assert "The run was stopped after " in result.log_text
    assert "KILLED" in {run["state"]["current"] for run in node_runs(result).values()}
