"""What runs take over from earlier ones: the state of the last success, and the results of attempts that failed."""

import json
import shutil
from pathlib import Path

import flows
import pytest
from client import Engine, Result
from conftest import BLUEPRINTS, PROJECTS
from test_core_build import artifact


def copied(project: str, folder: Path) -> Path:
    """Copy a test project."""
    ignored = shutil.ignore_patterns("target", "logs", "*.duckdb")
    return Path(shutil.copytree(PROJECTS / project, folder, ignore=ignored))


def nodes(result: Result) -> list[str]:
    """Return the ids of the nodes in the Gantt."""
    return [run["value"] for run in result.task_runs if run.get("value")]


def database(file: Path, threads: int = 2) -> str:
    """Return a profile with a database that outlasts a task."""
    output = {"type": "duckdb", "path": str(file), "threads": threads}
    return json.dumps({"shop": {"target": "dev", "outputs": {"dev": output}}}) + "\n"


@pytest.mark.by_turns
def test_slim_ci(engine: Engine, tmp_path: Path) -> None:
    """The blueprint: production keeps its state after a success, and CI builds what differs from it, on top of it."""
    files = copied("shop", tmp_path / "files")
    settings = files / "dbt_project.yml"
    unrendered = "flags:\n  state_modified_compare_more_unrendered_values: true"  # or each target has its own sources
    settings.write_text(settings.read_text().replace("flags:", unrendered))
    flow = BLUEPRINTS / "dbt-slim-ci.yaml"
    warehouse = {"database": str(tmp_path / "warehouse.duckdb")}
    production = engine.run(flow, tmp_path / "1", files=files, inputs={**warehouse, "build": "PRODUCTION"})
    assert production.state == "SUCCESS", production.log_text
    named = "project shop, target prod, branch main"
    assert f"No state of {named} is kept in this namespace yet: every node counts as new" in production.log_text
    assert f"State kept: {named}." in production.log_text

    model = files / "models" / "marts" / "sales_by_day.sql"
    model.write_text(model.read_text() + "\n-- changed\n")
    ci = engine.run(flow, tmp_path / "2", files=files, inputs={**warehouse, "build": "CI"})
    assert ci.state == "SUCCESS", ci.log_text
    assert f"State: {named}, of execution {production.execution_id}, kept " in ci.log_text
    models = [name for name in nodes(ci) if name.startswith("model.")]
    assert models == ["model.shop.sales_by_day"]
    manifest = json.loads(artifact(ci, "manifest.json", "ci").read_text())
    assert '"prod"' in manifest["nodes"]["model.shop.sales_by_day"]["compiled_code"]
    assert "State kept" not in ci.log_text

    model.write_text("select nonsense from {{ ref('fct_orders') }}")
    flow_text = flow.read_text().replace(
        "    retry:\n      type: constant\n      interval: PT30S\n      maxAttempts: 2\n", ""
    )
    failed = engine.run(flow_text, tmp_path / "3", files=files, inputs={**warehouse, "build": "PRODUCTION"})
    assert failed.state == "FAILED"
    assert f"of execution {production.execution_id}" in failed.log_text
    assert "State kept" not in failed.log_text


SHOWS_STATE = """
id: shows-state
namespace: company.tests
tasks:
  - id: kept
    type: io.kestra.plugin.core.debug.Return
    format: "{{ kv('dbt-state.warning.dev.main').NAME }}"
"""


@pytest.mark.by_turns
def test_two_that_finish_together(engine: Engine, tmp_path: Path) -> None:
    """The state is of one execution, with all its files, and warnings of tests do not keep it from being kept."""
    properties = "state: auto\nselect: ['state:modified+', 'state:unmodified']\nvars: {made_by: '{{ execution.id }}'}"
    flow = flows.build(properties)
    files = PROJECTS / "broken" / "warning"
    first, second = engine.submit(flow, files=files), engine.submit(flow)
    results = [engine.wait(first, tmp_path / "1"), engine.wait(second, tmp_path / "2")]
    assert [result.state for result in results] == ["WARNING", "WARNING"], results[0].log_text
    assert all("State kept: project warning, target dev, branch main." in result.log_text for result in results)

    args = {}
    for name in ("manifest", "run_results"):
        shown = engine.run(SHOWS_STATE.replace("NAME", name), tmp_path / name)
        uri = shown.outputs("kept")["value"]
        assert uri.startswith("kestra:///company/tests/_dbt/state/dbt-state.warning.dev.main/")
        (file,) = shown.files.values()
        args[name] = json.loads(file.read_text())["metadata"]["invocation_id"]
    assert args["manifest"] == args["run_results"]

    by_name = "state: kv://dbt-state.warning.dev.main\ndefer: true\nselect: ['state:modified']"
    deferred = f"deferState: {uri.replace('run_results', 'manifest')}"
    same = engine.run(flows.build(f"{by_name}\n{deferred}"), tmp_path / "3", files=files)
    assert "`--select state:modified` selects nothing" in same.log_text, same.log_text


def test_a_replay_and_a_restart(engine: Engine, tmp_path: Path) -> None:
    """Both go on from the failed nodes, of whatever execution these are, and Kestra takes them in spite of such."""
    files = copied("broken/failing_model", tmp_path / "files")
    boom = files / "models" / "boom.sql"
    boom.write_text(boom.read_text().replace("not a number", "{{ env_var('BOOM') }}"))
    properties = """
        resume: true
        env: {BOOM: "{{ (taskrun.attemptsCount == 0 or execution.originalId != execution.id) ? 'not a number' : 1 }}"}
    """
    flow = flows.build(properties, database(tmp_path / "warehouse.duckdb"))
    first = engine.run(flow, tmp_path / "1", files=files)
    assert first.state == "FAILED", first.log_text
    boom_run = first.task_run("boom")
    steps = [step["state"] for step in boom_run["state"]["histories"]]
    assert steps == ["CREATED", "RUNNING", "FAILED", "WARNING"]

    replayed = engine.wait(engine.replay(first.execution_id, "build"), tmp_path / "2")
    assert replayed.execution_id != first.execution_id
    assert replayed.state == "FAILED"
    assert f"Resuming after attempt 1 (execution {first.execution_id}, ended " in replayed.log_text
    rows = nodes(replayed)  # those of the first execution are taken over
    assert rows[4:] == ["model.failing_model.boom", "model.failing_model.after_boom"]

    restarted = engine.wait(engine.restart(first.execution_id), tmp_path / "3")
    assert restarted.state == "SUCCESS", restarted.log_text
    assert f"Resuming after attempt 2 (execution {replayed.execution_id}, ended " in restarted.log_text
    assert restarted.outputs("build")["summary"]["success"] == 2


@pytest.mark.by_turns
def test_resume(engine: Engine, tmp_path: Path) -> None:
    """The second attempt of a retry goes on from the failed nodes in a folder of its own, and ends well."""
    files = copied("broken/failing_model", tmp_path / "files")
    boom = files / "models" / "boom.sql"
    boom.write_text(boom.read_text().replace("not a number", "{{ env_var('BOOM') }}"))
    properties = """
        resume: true
        retry: {type: constant, maxAttempts: 2, interval: PT1S}
        env: {BOOM: "{{ taskrun.attemptsCount == 0 ? 'not a number' : 1 }}"}
    """
    result = engine.run(flows.build(properties, database(tmp_path / "warehouse.duckdb")), tmp_path / "1", files=files)
    assert result.state == "SUCCESS", result.log_text
    attempts = [attempt["state"]["current"] for attempt in result.task_run("build")["attempts"]]
    assert attempts == ["FAILED", "SUCCESS"]
    assert f"Resuming after attempt 1 (execution {result.execution_id}, ended " in result.log_text, result.log_text
    assert "): 2 of 4 nodes are left." in result.log_text
    results = json.loads(artifact(result, "run_results.json").read_text())["results"]
    assert {entry["unique_id"].rpartition(".")[2] for entry in results} == {"boom", "after_boom"}
    assert nodes(result).count("model.failing_model.elsewhere") == 1  # in the first attempt alone
    assert result.outputs("build")["summary"]["success"] == 2
