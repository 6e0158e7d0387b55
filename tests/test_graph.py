"""A dbt project as a graph of tasks: the same as one build, and what failures, restarts and kills do."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb as database
import graphs
import pytest
import yaml
from client import Engine, LogEntry, Result
from conftest import BLUEPRINTS, RunFlow

Groups = dict[str, tuple[list[str], list[str]]]


def states(result: Result) -> dict[str, str]:
    """Return the state of each task."""
    return {run["taskId"]: run["state"]["current"] for run in result.task_runs}


def attempts(result: Result) -> dict[str, int]:
    """Return how often each task was tried."""
    return {run["taskId"]: len(run.get("attempts") or []) for run in result.task_runs}


def statuses(result: Result, task: str) -> dict[str, str]:
    """Return dbt's status of each node; hooks and exposures, of which nothing is run, are left out."""
    found = json.loads(result.files[f"{task}/run_results.json"].read_bytes())
    named = {entry["unique_id"]: entry["status"] for entry in found["results"]}
    return {name: status for name, status in named.items() if not name.startswith(("operation.", "exposure."))}


def tables(file: Path) -> dict[str, list[tuple[object, ...]]]:
    """Return all rows of all relations of a DuckDB file, but for times of snapshots."""
    with database.connect(str(file), read_only=True) as connection:
        named = connection.execute("select table_schema, table_name from information_schema.tables").fetchall()
        rows = {}
        for schema, name in sorted(named):
            steady = "* exclude (dbt_scd_id, dbt_updated_at, dbt_valid_from)" if "snapshot" in name else "*"
            # all of it is ours
            query = f'select {steady} from "{schema}"."{name}" order by all'  # noqa: S608
            rows[f"{schema}.{name}"] = connection.execute(query).fetchall()
    return rows


def lineage(result: Result, task: str) -> set[tuple[str, str]]:
    """Return the edges that the page of a run draws, by ids."""
    (told,) = re.findall(r' id="data">(.*?)</script>', result.files[f"{task}/report.html"].read_text())
    data = json.loads(told)
    names = [row[0] for row in data["nodes"]] + data["others"]
    return {(names[one], names[two]) for one, two in data["edges"]}


@pytest.mark.by_turns
def test_a_graph_does_what_one_build_does(run_flow: RunFlow, tmp_path: Path) -> None:
    """The blueprint: the same rows in the same tables, status of each node, and outputs; tasks tell of their nodes."""
    one, parts = tmp_path / "one" / "shop.duckdb", tmp_path / "parts" / "shop.duckdb"
    for file in (one, parts):
        file.parent.mkdir()
    build = {"id": "build", "type": "io.kestradbt.core.Build", "namespaceFiles": {"enabled": True}}
    build["profiles"] = graphs.duckdb(one)
    flow = yaml.safe_load((BLUEPRINTS / "dbt-graph.yaml").read_text())
    flow["variables"]["profiles"] = graphs.duckdb(parts)
    flow["tasks"][0]["state"] = "auto"
    groups = [entry["task"]["id"] for entry in flow["tasks"][1]["tasks"]]
    flow["tasks"].append(build)
    result = run_flow(json.dumps(flow) + "\n")
    assert result.state == "SUCCESS", result.log_text

    assert statuses(result, "collect") == statuses(result, "build")
    assert tables(parts) == tables(one)
    assert "State kept: project shop, target dev, branch main." in result.log_text
    whole, collected = result.outputs("build"), result.outputs("collect")
    hooks, exposures = len(groups), 1
    assert collected["summary"]["nodes"] - hooks == whole["summary"]["nodes"] - 1 - exposures
    assert collected["summary"]["rows_affected"] == whole["summary"]["rows_affected"]
    assert collected["failed"] == []
    assert {"manifest.json", "run_results.json", "nodes.ion", "summary.md"} <= set(collected["artifacts"])
    assert lineage(result, "collect") == {edge for edge in lineage(result, "build") if "exposure." not in edge[1]}
    assert [run["taskId"] for run in result.task_runs].count("staging") == 1
    assert "stg_orders" in "".join(line["message"] for line in result.logs if line.get("taskId") == "staging")
    for group in groups:
        log = result.files[f"{group}/dbt.log"].read_text()
        assert "partial parse" not in log.lower()
        assert "Registered adapter" in log


@pytest.fixture
def gated(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """Return a project in which `middle` and `end` read tables that are not there, and its warehouse."""
    files, warehouse = tmp_path / "project", tmp_path / "gated.duckdb"
    (files / "models").mkdir(parents=True)
    (files / "dbt_project.yml").write_text("name: gated\nprofile: gated\n")
    models = {
        "begin": "select 1 as id",
        "middle": "select id from {{ ref('begin') }}, gate_1",
        "end": "select id from {{ ref('middle') }}, gate_2",
        "elsewhere": "select 2 as id",
    }
    for name, sql in models.items():
        (files / "models" / f"{name}.sql").write_text(f"{{{{ config(materialized='table') }}}} {sql}")
    yield files, warehouse


def open_gate(warehouse: Path, number: int) -> None:
    """Make a table that a model reads."""
    with database.connect(str(warehouse)) as connection:
        connection.execute(f"create table gate_{number} as select 1 as one")


GATED: Groups = {
    "begin": (["model.gated.begin"], []),
    "middle": (["model.gated.middle"], ["begin"]),
    "end": (["model.gated.end"], ["middle"]),
    "elsewhere": (["model.gated.elsewhere"], []),
}


def test_restarts_run_what_failed_and_what_was_left_out(
    engine: Engine, tmp_path: Path, gated: tuple[Path, Path]
) -> None:
    """A failure leaves out its descendants alone, which are skipped in the results; so often as one restarts it."""
    files, warehouse = gated
    flow = graphs.flow(GATED, graphs.duckdb(warehouse, "gated"), prepare={"state": "auto"})
    result = engine.run(flow, tmp_path / "1", files=files, timeout=120)
    assert result.state == "FAILED"
    assert states(result) == {
        "prepare": "SUCCESS",
        "dbt": "FAILED",
        "begin": "SUCCESS",
        "middle": "FAILED",
        "elsewhere": "SUCCESS",
        "collect": "WARNING",
    }, result.log_text
    assert statuses(result, "collect") == {
        "model.gated.begin": "success",
        "model.gated.middle": "error",
        "model.gated.elsewhere": "success",
        "model.gated.end": "skipped",
    }
    assert result.outputs("collect")["failed"] == ["model.gated.middle"]
    assert "Not run, because middle failed: end." in result.log_text
    state = "project gated, target dev, branch main"
    why = "model.gated.middle and 1 more failed or did not run"
    assert f"The state of {state} stays as it is: {why}." in result.log_text

    open_gate(warehouse, 1)
    engine.restart(result.execution_id)
    result = engine.wait(result.execution_id, tmp_path / "2", timeout=120)
    assert states(result)["middle"] == "SUCCESS", result.log_text
    assert states(result)["end"] == "FAILED"

    open_gate(warehouse, 2)
    engine.restart(result.execution_id)
    result = engine.wait(result.execution_id, tmp_path / "3", timeout=120)
    assert result.state == "SUCCESS", result.log_text
    assert set(statuses(result, "collect").values()) == {"success"}
    assert f"State kept: {state}." in result.log_text
    tried = attempts(result)
    assert [tried[name] for name in ("begin", "elsewhere", "middle", "end")] == [1, 1, 2, 2]


@pytest.mark.by_turns
def test_what_kestra_offers_for_a_task_works_for_nodes(
    engine: Engine, tmp_path: Path, gated: tuple[Path, Path]
) -> None:
    """`allowFailure` lets what comes after run, and dbt reads the results; a replay runs what comes after it alone."""
    files, warehouse = gated
    groups = {name: GATED[name] for name in ("begin", "middle")}
    groups["after"] = (["model.gated.elsewhere"], ["middle"])
    flow = graphs.flow(groups, graphs.duckdb(warehouse, "gated"), nodes={"middle": {"allowFailure": True}})
    result = engine.run(flow, tmp_path / "1", files=files, timeout=120)
    assert states(result)["middle"] == "WARNING", result.log_text
    assert states(result)["after"] == "SUCCESS"
    assert states(result)["dbt"] == "WARNING"
    profiles, collected = graphs.duckdb(warehouse, "gated"), result.files["collect/run_results.json"].parent
    failed = ("list", "--quiet", "--select", "result:error", "--state", collected)
    assert graphs.dbt(files, profiles, tmp_path / "dbt", *failed) == ["gated.middle"]

    open_gate(warehouse, 1)
    again = engine.wait(engine.replay(result.execution_id, "middle"), tmp_path / "2", timeout=120)
    assert again.state == "SUCCESS", again.log_text
    begun = {run["taskId"]: run["state"]["histories"][0]["date"] for run in result.task_runs}
    then = {run["taskId"]: run["state"]["histories"][0]["date"] for run in again.task_runs}
    assert then["begin"] == begun["begin"]
    assert set(statuses(again, "collect")) == {f"model.gated.{name}" for name in ("begin", "middle", "elsewhere")}


@pytest.mark.by_turns
def test_a_kill_stops_the_node_that_runs(engine: Engine, tmp_path: Path, gated: tuple[Path, Path]) -> None:
    """dbt is stopped in the middle, the task is KILLED with its node, and nothing new begins."""
    files, warehouse = gated
    endless = "select count(*) as n from range(1000000000) a, range(1000000000) b where a.range + b.range = 7"
    (files / "models" / "begin.sql").write_text(f"{{{{ config(materialized='table') }}}} {endless}")
    groups = {name: GATED[name] for name in ("begin", "middle")}
    execution = engine.submit(graphs.flow(groups, graphs.duckdb(warehouse, "gated")), files=files)
    killed: list[str] = []

    def kill_when_it_runs(entry: LogEntry) -> None:
        if not killed and entry.get("taskId") == "begin" and "START 1 of 1" in entry["message"]:
            killed.append(execution)
            engine.kill(execution)

    result = engine.wait(execution, tmp_path / "out", timeout=90, on_log=kill_when_it_runs)
    assert killed
    assert result.state == "KILLED"
    assert states(result)["begin"] == "KILLED", result.log_text
    assert "middle" not in states(result)


@pytest.mark.by_turns
def test_what_does_not_fit_is_refused(engine: Engine, tmp_path: Path, gated: tuple[Path, Path]) -> None:
    """A node that the project does not have, a profile that leads elsewhere, a file that is no pack."""
    files, warehouse = gated
    groups: Groups = {
        "gone": (["model.gated.gone"], []),
        "strayed": (["model.gated.begin"], []),
        "no_pack": (["model.gated.begin"], []),
    }
    elsewhere = graphs.duckdb(tmp_path / "other.duckdb", "gated")
    more: dict[str, dict[str, Any]] = {
        "strayed": {"profiles": elsewhere},
        "no_pack": {"pack": "{{ outputs.prepare.artifacts['manifest.json'] }}"},
    }
    result = engine.run(
        graphs.flow(groups, graphs.duckdb(warehouse, "gated"), nodes=more), tmp_path / "out", files=files, timeout=120
    )
    assert "`nodes` names model.gated.gone, which the project gated does not have (any more)" in result.log_text
    assert "The project was parsed for target dev (duckdb, gated.main), and the profile of this task" in result.log_text
    assert "`pack` is not what a Prepare task of this release makes" in result.log_text
    assert {states(result)[name] for name in groups} == {"FAILED"}
