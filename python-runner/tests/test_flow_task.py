"""The request `graph_flow`: what the command `kestra-dbt flow` does, told by events, with the project parsed by dbt."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from conftest import PROJECTS, Runner
from kestra_api import KestraServer, kestra_server

from kestra_dbt.protocol import DbtOptions, FlowOptions, FlowWritten, GraphFlow, KestraLogin, Outcome, Secrets

PROFILES = "shop:\n  target: dev\n  outputs:\n    dev: {type: duckdb, path: shop.duckdb}\n"
SETTINGS = {"node": {"profiles": "{{ render(vars.profiles) }}"}}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a copy of the shop."""
    folder = tmp_path / "work"
    ignored = shutil.ignore_patterns("target", "logs", "*.duckdb")
    shutil.copytree(PROJECTS / "shop", folder / "shop", ignore=ignored)
    return folder


@pytest.fixture
def server() -> Iterator[KestraServer]:
    """Return a Kestra server that lets in who has a token."""
    with kestra_server() as server:
        server.authorization = "Bearer planted-token"
        yield server


def add_package(project: Path) -> None:
    """Let the shop use a package that is not brought yet."""
    (project / "extra/models").mkdir(parents=True)
    (project / "extra/dbt_project.yml").write_text("name: extra\nversion: 1.0.0\n")
    (project / "extra/models/added.sql").write_text("select 1 as id")
    (project / "shop/packages.yml").write_text("packages:\n  - local: ../extra\n")


def test_a_task_writes_what_the_command_writes_and_deploys_it_once(
    carry_out: Runner, project: Path, server: KestraServer
) -> None:
    """The same text; the second time there is nothing to do; a refusal has Kestra's reason, and the flow is there.

    Packages are brought before.
    """
    options = DbtOptions(project_dir="shop", select=["+fct_orders"], exclude=["test_type:unit"])
    cut = FlowOptions(namespace="company.sales", granularity="layer", settings=SETTINGS)
    request = GraphFlow(options=options, flow=cut, deploy_to=server.url)
    secrets = Secrets(profiles=PROFILES, kestra=KestraLogin(token="planted-token"))  # noqa: S106 - to look for

    run = carry_out(request, secrets, folder=project)
    assert run.ended.outcome is Outcome.SUCCESS, run
    assert {"flow.yaml", "manifest.json", "dbt.log", "nodes.ion", "summary.md"} <= run.artifacts
    text = run.artifact("flow.yaml").read_text()
    tasks = next(task for task in yaml.safe_load(text)["tasks"] if task["id"] == "dbt")["tasks"]
    named = {"namespace": "company.sales", "flow_id": "shop", "tasks": len(tasks)}
    assert run.of(FlowWritten) == [FlowWritten(**named, deployed="created")]
    assert server.flows == {"company.sales/shop": text}
    assert f"{server.url}: company.sales.shop was created." in run.plain
    assert b"planted-token" not in run.raw + run.stderr.encode()

    (project / "profiles.yml").write_text(PROFILES)
    (project / "settings.yaml").write_text(json.dumps(SETTINGS))
    arguments = ["--project-dir", "shop", "--profiles-dir", ".", "--select", "+fct_orders", "--exclude"]
    arguments += ["test_type:unit", "--namespace", "company.sales", "--granularity", "layer"]
    command = [sys.executable, "-m", "kestra_dbt", "flow", *arguments, "--settings", "settings.yaml"]
    assert subprocess.run(command, cwd=project, capture_output=True, text=True, check=True).stdout == text

    again = carry_out(request, secrets, folder=project)
    assert again.of(FlowWritten) == [FlowWritten(**named, deployed="unchanged")]
    server.problem_of = lambda _: "Invalid entity: no such type"
    add_package(project)
    more = options.model_copy(update={"select": ["package:extra"]})
    refused = carry_out(request.model_copy(update={"options": more}), secrets, folder=project)
    assert refused.code == 2
    assert refused.failure.sentence.endswith("refuses the flow (422): Invalid entity: no such type")
    assert "model.extra.added" in refused.artifact("flow.yaml").read_text()
    assert refused.of(FlowWritten) == []


def test_a_project_that_dbt_cannot_read_is_said_as_elsewhere(carry_out: Runner, project: Path) -> None:
    """By dbt's own reason; so is a selection of nothing, and nothing is written then."""
    nothing = GraphFlow(options=DbtOptions(project_dir="shop", select=["no_such_model"]))
    run = carry_out(nothing, Secrets(profiles=PROFILES), folder=project)
    assert run.failure.sentence.startswith("Nothing of the project shop is selected that dbt runs")
    (project / "shop/models/staging/broken.sql").write_text("select * from {{ ref('gone') }}")
    run = carry_out(GraphFlow(options=DbtOptions(project_dir="shop")), Secrets(profiles=PROFILES), folder=project)
    assert "gone" in f"{run.failure.sentence} {run.failure.detail}"
    assert "flow.yaml" not in run.artifacts


def test_a_manifest_needs_no_dbt(carry_out: Runner, tmp_path: Path) -> None:
    """Settings come from a file of the working directory; a selection of a manifest is refused."""
    metadata = {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "project_name": "shop"}
    model = {"resource_type": "model", "name": "a", "package_name": "shop", "original_file_path": "models/a.sql"}
    (tmp_path / "manifest.json").write_text(json.dumps({"metadata": metadata, "nodes": {"model.shop.a": model}}))
    (tmp_path / "kestra.yaml").write_text(json.dumps({"node": {"timeout": "PT1H"}}))
    run = carry_out(GraphFlow(manifest="manifest.json", settings_file="kestra.yaml"))
    assert run.ended.outcome is Outcome.SUCCESS, run
    assert "timeout: PT1H" in run.artifact("flow.yaml").read_text()
    assert run.of(FlowWritten) == [FlowWritten(namespace="company.team", flow_id="shop", tasks=1)]
    both = GraphFlow(manifest="manifest.json", settings_file="kestra.yaml", flow=FlowOptions(settings=SETTINGS))
    assert carry_out(both).failure.sentence.startswith("Both `settings` and a file of settings")
    run = carry_out(GraphFlow(manifest="manifest.json", options=DbtOptions(select=["a"])))
    assert "taken as a whole" in run.failure.sentence
    assert carry_out(GraphFlow(manifest="manifest.json", settings_file="none.yaml")).failure.sentence == (
        "The settings none.yaml cannot be read: No such file or directory."
    )
