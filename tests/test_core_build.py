"""A dbt build as a Kestra task: what appears in the Gantt, the logs, the metrics and the outputs."""

import json
import zipfile
from datetime import datetime
from pathlib import Path
from typing import Any

import flows
import pytest
from client import Result
from conftest import BLUEPRINTS, RunFlow

LEVELS_FOR_PEOPLE = ("INFO", "WARN", "ERROR")


def node_runs(result: Result, task_id: str = "build") -> dict[str, dict[str, Any]]:
    """Return the task runs of dbt nodes, by unique_id."""
    return {run["value"]: run for run in result.task_runs if run["taskId"] != task_id}


def rows(result: Result, task_id: str = "build") -> list[dict[str, Any]]:
    """Return the table of nodes."""
    return [json.loads(line) for line in result.files[f"{task_id}/nodes.ion"].read_text().splitlines()]


def logs_of(result: Result, task_run_id: str) -> list[str]:
    """Return the messages of a task run that people see by default."""
    entries = [log for log in result.logs if log.get("taskRunId") == task_run_id]
    return [str(log["message"]) for log in entries if log["level"] in LEVELS_FOR_PEOPLE]


def artifact(result: Result, name: str, task_id: str = "build") -> Path:
    """Return an artifact as downloaded from the Outputs tab."""
    return result.files[f"{task_id}/{name}"]


def assert_node_runs_are_true(result: Result, task_id: str = "build") -> None:
    """Assert that each row of the table has its task run, in its place, with its times and its state."""
    runs, table = node_runs(result, task_id), rows(result, task_id)
    task_run = result.task_run(task_id)
    assert set(runs) == {row["unique_id"] for row in table}
    for row in table:
        run = runs[row["unique_id"]]
        histories = run["state"]["histories"]
        times = [datetime.fromisoformat(step["date"].replace("Z", "+00:00")) for step in histories]
        assert times == sorted(times)
        assert histories[0]["state"] == "CREATED"
        assert times[0] == datetime.fromisoformat(row["queued_at"].replace("Z", "+00:00"))
        assert times[-1] == datetime.fromisoformat(row["finished_at"].replace("Z", "+00:00"))
        assert run["state"]["current"].lower() == row["outcome"]
        parent = runs[row["parent"]]["id"] if row["parent"] in runs else task_run["id"]
        assert run["parentTaskRunId"] == parent
        assert run["taskId"] == row["label"]
        assert logs_of(result, run["id"]), f"{row['unique_id']} has no log of its own"


@pytest.mark.container
def test_the_blueprint(run_flow: RunFlow) -> None:
    """The blueprint runs as it is on the sample project, and everything is where its description says."""
    result = run_flow(BLUEPRINTS / "dbt-core-build.yaml")
    assert result.state == "SUCCESS", result.log_text
    outputs = result.outputs("build")
    assert set(outputs["artifacts"]) >= {
        *("manifest.json", "run_results.json", "semantic_manifest.json", "dbt.log", "target.zip"),
        *("nodes.ion", "summary.md", "report.html", "catalog.json", "docs.html"),
    }
    assert all(uri.startswith("kestra:///") for uri in outputs["artifacts"].values())
    assert outputs["nodes"].endswith(".ion")
    assert outputs["exitCode"] == 0
    assert not outputs.get("failed")
    assert result.execution["outputs"]["run_results"].startswith("kestra:///")

    run_results = json.loads(artifact(result, "run_results.json").read_text())
    assert run_results["args"]["which"] == "build"
    assert {r["unique_id"] for r in run_results["results"]} <= {row["unique_id"] for row in rows(result)}
    assert outputs["summary"]["nodes"] == len(rows(result)) == outputs["summary"]["success"]
    assert "fct_orders.sql" in "".join(zipfile.ZipFile(artifact(result, "target.zip")).namelist())
    assert artifact(result, "summary.md").read_text().startswith("# dbt: success")

    assert_node_runs_are_true(result)
    runs = node_runs(result)
    tests = [row for row in rows(result) if row["resource_type"] in ("test", "unit_test")]
    assert tests
    assert all(runs[row["unique_id"]]["parentTaskRunId"] == runs[row["parent"]]["id"] for row in tests)

    metrics = {(m["name"], tuple(sorted((m.get("tags") or {}).items()))): m["value"] for m in result.metrics}
    assert [value for (name, tags), value in metrics.items() if name == "nodes" and ("outcome", "success") in tags] == [
        len(rows(result))
    ]
    assert any(name == "duration" for name, _ in metrics)


def test_each_line_is_told_once(run_flow: RunFlow) -> None:
    """dbt's lines of a node are in the node's log alone; the task's log has the progress, and dbt's own lines."""
    result = run_flow(flows.build("select: [+stg_orders]"))
    task_run = result.task_run("build")
    task_log = logs_of(result, task_run["id"])
    for run in node_runs(result).values():
        for message in logs_of(result, run["id"]):
            assert message not in task_log
    assert len([line for line in task_log if line.startswith("OK ") and "model stg_orders" in line]) == 1
    assert len([line for line in task_log if line.startswith("START ") and "model stg_orders" in line]) == 1
    assert any(line.startswith("Found ") for line in task_log)
    progress = [log for log in result.logs if log.get("progress")]
    assert {log["progress"] for log in progress} == {"node.started", "node.finished"}


@pytest.mark.by_turns
def test_options_reach_dbt(run_flow: RunFlow) -> None:
    """Properties become dbt's options, expressions in them are rendered, blank ones are left out."""
    properties = """
        select: ["+stg_customers", "{{ '' }}"]
        exclude: ["resource_type:test"]
        vars:
          calendar_start: "2026-01-01"
          made_by: "{{ flow.id }}"
        threads: 2
        fullRefresh: "{{ true }}"
        failFast: true
        args: [--no-partial-parse]
    """
    result = run_flow(flows.build(properties))
    assert result.state == "SUCCESS", result.log_text
    args = json.loads(artifact(result, "run_results.json").read_text())["args"]
    assert (args["select"], args["exclude"]) == (["+stg_customers"], ["resource_type:test"])
    assert args["vars"] == {"calendar_start": "2026-01-01", "made_by": "build-test"}
    assert (args["full_refresh"], args["fail_fast"], args["partial_parse"]) == (True, True, False)
    assert "Concurrency: 2 threads" in result.log_text


def test_kestras_script_conventions(run_flow: RunFlow) -> None:
    """Files in and out, variables, commands before, and a profile as a map work as in Kestra's script tasks."""
    properties = """
        env:
          SHOP_NOTE: "from {{ flow.namespace }}"
        inputFiles:
          shop/models/extra.sql: "select '{{ flow.id }}' as made_by"
          shop/dbt_project.yml: |
            name: shop
            profile: shop
        beforeCommands:
          - test -f shop/models/extra.sql
          - echo "note $SHOP_NOTE" > note.txt
        outputFiles: ["*.txt"]
        projectDir: shop
        profiles:
          shop:
            target: dev
            outputs:
              dev: {type: duckdb, path: dev.duckdb, threads: 1}
    """
    text = flows.build(properties, profiles="").replace("    profiles: |\n", "", 1)
    result = run_flow(text, project=None)
    assert result.state == "SUCCESS", result.log_text
    assert artifact(result, "note.txt").read_text() == "note from company.tests\n"
    assert [row["unique_id"] for row in rows(result)] == ["model.shop.extra"]
    assert set(result.outputs("build")["outputFiles"]) == {"note.txt"}
