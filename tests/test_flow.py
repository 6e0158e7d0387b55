"""What `kestra-dbt flow` and the task `Flow` write is a flow that Kestra takes and runs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from client import Engine
from conftest import BLUEPRINTS, PROJECTS, SECRETS, RunFlow
from kestra_api import KestraServer, kestra_server

SCHEMA = "https://schemas.getdbt.com/dbt/manifest/v12.json"

MODELS = ("{{ secret('X') }}", "{% endfor %}", 'a"b', "0o14", "null", "été", "x" * 300, "prepare", "a: b # c", "-")
"""Names that break out of a careless flow."""


def write(*arguments: str | Path) -> str:
    """Return what the command writes."""
    command = [sys.executable, "-m", "kestra_dbt", "flow", "--namespace", "company.tests", *map(str, arguments)]
    env = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=env, timeout=120).stdout


def test_kestra_takes_a_flow_of_any_names(engine: Engine, tmp_path: Path) -> None:
    """Quotes, expressions, long names and words of YAML, as names and as descriptions."""
    nodes = {
        f"model.shop.{name}": {
            "resource_type": "model",
            "name": name,
            "package_name": "shop",
            "description": name,
            "original_file_path": f"models/{index}/{name}.sql",
            "depends_on": {"nodes": [f"model.shop.{MODELS[index - 1]}"] if index else []},
        }
        for index, name in enumerate(MODELS)
    }
    manifest = tmp_path / "manifest.json"
    manifest.write_text(
        json.dumps({"metadata": {"dbt_schema_version": SCHEMA, "project_name": "shop"}, "nodes": nodes})
    )
    for granularity in ("model", "folder"):
        assert engine.validate(write("--manifest", manifest, "--granularity", granularity)) is None


@pytest.fixture
def repository(tmp_path: Path) -> str:
    """Return the address of a Git repository with the shop."""
    folder = tmp_path / "repository"
    shutil.copytree(PROJECTS / "shop", folder, ignore=shutil.ignore_patterns("target", "logs", "*.duckdb"))
    me = ["-c", "user.name=me", "-c", "user.email=me@example.com"]
    for command in (["init", "--quiet"], ["add", "."], [*me, "commit", "--quiet", "--message", "The shop"]):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder.as_uri()


@pytest.fixture
def server(engine: Engine) -> Iterator[KestraServer]:
    """Return a server that takes the flows that this Kestra takes."""
    with kestra_server() as server:
        server.authorization = f"Bearer {SECRETS['KESTRA_TOKEN']}"
        server.problem_of = engine.validate
        yield server


@pytest.mark.by_turns
def test_kestra_deploys_a_flow_and_runs_it(
    run_flow: RunFlow, tmp_path: Path, repository: str, server: KestraServer
) -> None:
    """The blueprint, with tests of their own and exposures: what it deploys ends well."""
    blueprint = (BLUEPRINTS / "dbt-graph-deploy.yaml").read_text()
    places = {"https://github.com/example/shop.git": repository, "{{ kestra.url }}": server.url}
    places |= {"/tmp/dbt-graph-deploy.duckdb": str(tmp_path / "shop.duckdb")}  # noqa: S108 - as it stands there
    places |= {"LAYER": "LAYER\n    tests: OWN\n    exposures: true"}
    for shown, there in places.items():
        assert shown in blueprint
        blueprint = blueprint.replace(shown, there)
    first = run_flow(blueprint, project=None)
    assert first.state == "SUCCESS", first.log_text
    flow = server.flows["company.analytics/shop"]
    assert first.files["flow/flow.yaml"].read_text() == flow
    graph = next(task for task in yaml.safe_load(flow)["tasks"] if task["id"] == "dbt")["tasks"]
    outputs = first.outputs("flow")
    assert (outputs["changed"], outputs["tasks"]) == (True, len(graph))
    assert outputs["flow"].startswith("kestra:///")
    assert SECRETS["KESTRA_TOKEN"] not in first.log_text

    result = run_flow(flow, project=None)
    assert result.state == "SUCCESS", result.log_text
    wanted = {node for entry in graph for node in entry["task"].get("nodes", [])}
    collected = json.loads(result.files["collect/run_results.json"].read_bytes())
    assert wanted <= {entry["unique_id"] for entry in collected["results"]}
    assert {entry["task"]["id"] for entry in graph} <= {run["taskId"] for run in result.task_runs}


@pytest.mark.by_turns
def test_a_manifest_is_deployed_if_kestra_takes_it(engine: Engine, tmp_path: Path, server: KestraServer) -> None:
    """Once, unless it changes, by a token of the task's or Kestra's own; a refusal fails the task, with the reason."""
    metadata = {"dbt_schema_version": SCHEMA, "project_name": "shop"}
    model = {"resource_type": "model", "name": "a", "package_name": "shop", "original_file_path": "models/a.sql"}
    task = {
        "type": "io.kestradbt.graph.Flow",
        "inputFiles": {"manifest.json": json.dumps({"metadata": metadata, "nodes": {"model.shop.a": model}})},
        "manifest": "manifest.json",
        "deployTo": server.url,
    }
    wrong = {"node": {"noSuchProperty": 1}}
    token = {"apiToken": "{{ secret('KESTRA_TOKEN') }}"}
    tasks = [{"id": "first", **task}, {"id": "again", **task, **token}, {"id": "wrong", **task, "settings": wrong}]
    result = engine.run(json.dumps({"id": "deploy", "namespace": "company.tests", "tasks": tasks}) + "\n", tmp_path)
    assert [result.outputs(name).get("changed") for name in ("first", "again", "wrong")] == [True, False, None]
    assert [run["state"]["current"] for run in result.task_runs] == ["SUCCESS", "SUCCESS", "FAILED"]
    assert "refuses the flow (422): " in result.log_text
    assert "noSuchProperty" in result.log_text
    assert "noSuchProperty" in result.files["wrong/flow.yaml"].read_text()
    assert list(server.flows) == ["company.tests/shop"]
    assert server.flows["company.tests/shop"] == result.files["first/flow.yaml"].read_text()
