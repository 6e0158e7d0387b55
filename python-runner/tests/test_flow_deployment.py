"""`kestra-dbt flow --deploy`, against a server that does what Kestra's API documents."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from kestra_api import KestraServer, kestra_server

from kestra_dbt.graph.flow.command_line import run_command_line

REASON = "Invalid entity: tasks[1].tasks[0].task: no such type"


@pytest.fixture
def server() -> Iterator[KestraServer]:
    """Return a server that runs."""
    with kestra_server() as server:
        yield server


@pytest.fixture
def manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the manifest of a model, in an environment with the user's name and password."""
    monkeypatch.setenv("KESTRA_USER", "me@example.com")
    monkeypatch.setenv("KESTRA_PASSWORD", "hunter2:x")
    monkeypatch.delenv("KESTRA_TOKEN", raising=False)
    metadata = {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "project_name": "shop"}
    model = {"resource_type": "model", "name": "a", "package_name": "shop", "original_file_path": "models/a.sql"}
    file = tmp_path / "manifest.json"
    file.write_text(json.dumps({"metadata": metadata, "nodes": {"model.shop.a": model}}))
    return file


def test_a_flow_is_put_there_only_if_it_changed(server: KestraServer, manifest: Path) -> None:
    """Created, left alone (comments do not count), then updated."""
    arguments = ["--manifest", str(manifest), "--deploy", f"{server.url}/"]
    assert run_command_line(arguments) == 0
    server.flows["company.team/shop"] += "# a comment\n"
    assert run_command_line(arguments) == 0
    assert run_command_line([*arguments, "--concurrent", "2"]) == 0
    path = "company.team/shop"
    assert server.calls == [f"GET {path}", "POST ", f"GET {path}", f"GET {path}", f"PUT {path}"]
    assert yaml.safe_load(server.flows[path])["tasks"][1]["concurrent"] == 2


def test_a_token_comes_first(server: KestraServer, manifest: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before a user and a password."""
    monkeypatch.setenv("KESTRA_TOKEN", "a-token")
    server.authorization = "Bearer a-token"
    assert run_command_line(["--manifest", str(manifest), "--deploy", server.url]) == 0


def test_refusals_are_said_with_the_reason_and_without_the_password(
    server: KestraServer, manifest: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A flow that Kestra does not take, a redirect, a wrong password, no server, and no address."""
    arguments = ["--manifest", str(manifest), "--deploy"]
    server.problem_of = lambda _: REASON
    assert run_command_line([*arguments, server.url]) == 2
    assert f"refuses the flow (422): {REASON}" in capsys.readouterr().err
    server.moved = True
    assert run_command_line([*arguments, server.url]) == 2
    assert "sends us elsewhere (302)" in capsys.readouterr().err
    server.moved = False
    monkeypatch.setenv("KESTRA_PASSWORD", "planted")
    assert run_command_line([*arguments, server.url]) == 2
    assert run_command_line([*arguments, "http://127.0.0.1:9"]) == 2
    assert run_command_line([*arguments, "http://me:planted@localhost"]) == 2
    assert run_command_line([*arguments, "ftp://localhost"]) == 2
    told = capsys.readouterr().err
    assert "does not let us in (401): set KESTRA_TOKEN" in told
    assert "does not answer: [Errno 111] Connection refused." in told
    assert told.count("has to be as https://kestra.example.com") == 2
    assert "planted" not in told
    assert server.flows == {}
