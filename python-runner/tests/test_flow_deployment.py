"""`kestra-dbt flow --deploy`, against a server that does what Kestra's API documents."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from kestra_dbt.graph.flow.command_line import run_command_line

REASON = "Invalid entity: tasks[1].tasks[0].task: no such type"


class KestraServer(ThreadingHTTPServer):
    """Flows by their paths, and the calls that came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.flows: dict[str, str] = {}
        self.calls: list[str] = []
        self.authorization = f"Basic {base64.b64encode(b'me@example.com:hunter2:x').decode()}"
        self.refuses = False
        self.moved = False

    @property
    def url(self) -> str:
        """Return its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    """The API of flows."""

    server: KestraServer

    def _handle(self) -> None:
        path = self.path.split("?")[0].removeprefix("/api/v1/main/flows").strip("/")
        self.server.calls.append(f"{self.command} {path}")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        if self.server.moved:
            self.send_response(302)
            self.send_header("Location", f"{self.server.url}/login")
            self.end_headers()
        elif self.headers.get("Authorization") != self.server.authorization:
            self._reply(401, "")
        elif self.command == "GET":
            source = self.server.flows.get(path)
            self._reply(404 if source is None else 200, json.dumps({"source": source}))
        elif self.server.refuses or self.headers["Content-Type"] != "application/x-yaml":
            self._reply(422, json.dumps({"message": REASON}))
        else:
            flow = yaml.safe_load(body)
            known = f"{flow['namespace']}/{flow['id']}"
            right = path == known if self.command == "PUT" else path == "" and known not in self.server.flows
            self.server.flows[known] = body
            self._reply(200 if right else 409, "{}")

    do_GET = do_POST = do_PUT = _handle  # noqa: N815 - as the library calls them

    def _reply(self, code: int, text: str) -> None:
        self.send_response(code)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[KestraServer]:
    """Return a server that runs."""
    with KestraServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


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
    server.refuses = True
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
