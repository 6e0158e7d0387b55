"""What `kestra-dbt flow` writes is a flow that Kestra takes and runs."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from client import Engine
from conftest import PROJECTS, RunFlow

MODELS = ("{{ secret('X') }}", "{% endfor %}", 'a"b', "0o14", "null", "été", "x" * 300, "prepare", "a: b # c", "-")
"""Names that break out of a careless flow."""


def write(*arguments: str | Path) -> str:
    """Return what the command writes."""
    command = [sys.executable, "-m", "kestra_dbt", "flow", "--namespace", "company.tests", *map(str, arguments)]
    env = {**os.environ, "DBT_SEND_ANONYMOUS_USAGE_STATS": "false"}
    return subprocess.run(command, check=True, capture_output=True, text=True, env=env, timeout=120).stdout


def settings_of(folder: Path, database: Path) -> Path:
    """Return a file with settings by which all tasks share a database."""
    outputs = {"dev": {"type": "duckdb", "path": str(database), "threads": 2}}
    profiles = {"profiles": "{{ render(vars.profiles) }}"}
    content: dict[str, Any] = {
        "flow": {"variables": {"profiles": {"shop": {"target": "dev", "outputs": outputs}}}},
        "prepare": {**profiles, "namespaceFiles": {"enabled": True}},
        "node": profiles,
    }
    (folder / "profiles.yml").write_text(json.dumps(content["flow"]["variables"]["profiles"]))
    file = folder / "settings.yaml"
    file.write_text(yaml.safe_dump(content))
    return file


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
    schema = "https://schemas.getdbt.com/dbt/manifest/v12.json"
    manifest = tmp_path / "manifest.json"
    manifest.write_text(
        json.dumps({"metadata": {"dbt_schema_version": schema, "project_name": "shop"}, "nodes": nodes})
    )
    for granularity in ("model", "folder"):
        assert engine.validate(write("--manifest", manifest, "--granularity", granularity)) is None


@pytest.mark.by_turns
def test_kestra_runs_the_written_flow(run_flow: RunFlow, tmp_path: Path) -> None:
    """The shop, a task a layer with tests of their own and exposures: all of it ends well."""
    settings = settings_of(tmp_path, tmp_path / "shop.duckdb")
    project = ["--project-dir", PROJECTS / "shop", "--profiles-dir", tmp_path, "--settings", settings]
    options = ["--granularity", "layer", "--tests", "own", "--exposures", "--concurrent", "1"]
    flow = write(*project, *options)
    result = run_flow(flow)
    assert result.state == "SUCCESS", result.log_text
    graph = next(task for task in yaml.safe_load(flow)["tasks"] if task["id"] == "dbt")["tasks"]
    wanted = {node for entry in graph for node in entry["task"].get("nodes", [])}
    collected = json.loads(result.files["collect/run_results.json"].read_bytes())
    assert wanted <= {entry["unique_id"] for entry in collected["results"]}
    assert {entry["task"]["id"] for entry in graph} <= {run["taskId"] for run in result.task_runs}
