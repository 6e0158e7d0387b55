"""The client of Kestra's REST API, which speaks to kestra/kestra in a container, against a small server.

The server knows the requests that Kestra 2.0's controllers describe, and no other.
"""

import io
import json
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from client import EngineError, FlowRefused, LogEntry
from rest import Server

FLOW = "id: build\nnamespace: company.tests\ntasks: []\n"
FILE = "kestra:///company/tests/build/executions/1/tasks/build/1/abc.ion"


def execution(state: str, histories: int = 2) -> dict[str, Any]:
    """Return an execution with one task, and below it one node."""
    runs = [{"id": "t1", "taskId": "build"}, {"id": "n1", "taskId": "orders", "value": "model.shop.orders"}]
    states = {"current": state, "histories": [{"state": state}] * histories}
    return {"id": "e1", "state": states, "taskRunList": [{**run, "state": {"current": state}} for run in runs]}


def log(message: str, task_run_id: str) -> LogEntry:
    """Return an entry of the log."""
    return {"timestamp": "2026-01-01T00:00:00Z", "level": "INFO", "message": message, "taskRunId": task_run_id}


class Fake(ThreadingHTTPServer):
    """Answers each request with the next of its answers; the last one stays."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.sent: list[tuple[str, bytes, str]] = []
        self.answers: dict[str, list[Any]] = {
            "POST flows/validate": [[{}]],
            "GET flows/company.tests/build": [None],
            "POST flows": [{}],
            "GET namespaces/company.tests/files/search": [["/old.sql"]],
            "DELETE namespaces/company.tests/files": [{}],
            "POST namespaces/company.tests/files": [{}],
            "POST executions/company.tests/build": [{"id": "e1"}],
            "GET executions/e1": [execution("RUNNING", 1), execution("RUNNING", 1), execution("SUCCESS")],
            "GET executions/e1/graph": [{"nodes": []}],
            "GET executions/e1/file": [b"a row"],
            "GET logs/e1": [[], [log("one", "t1")], [log("one", "t1"), log("one", "t1"), log("two\nlines", "n1")]],
            "GET metrics/e1": [{"results": [{"name": "rows"}], "total": 1}],
            "GET outputs/tasks/e1": [[{"taskRunId": "t1"}]],
            "GET outputs/tasks/e1/t1": [{"nodes": FILE, "artifacts": {"../nodes.ion": FILE}, "exitCode": 0}],
            "GET outputs/executions/e1": [{"answer": 42}],
            "DELETE executions/e1/kill": [{}],
            "POST executions/e1/restart": [{}],
        }


class Handler(BaseHTTPRequestHandler):
    """Finds the answer; one that it does not know is an error of the server."""

    server: Fake

    def answer(self) -> None:
        """Answer any request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        target = urlsplit(self.path)
        request = f"{self.command} {target.path.removeprefix('/api/v1/main/')}"
        self.server.sent.append((request, body, self.headers.get("Content-Type") or ""))
        answers = self.server.answers.get(request)
        if answers is None:
            return self.reply(500, f"no such request: {request} {parse_qs(target.query)}".encode())
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, int):
            return self.reply(answer, b"refused")
        return self.reply(
            404 if answer is None else 200, answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        )

    def reply(self, status: int, body: bytes) -> None:
        """Send an answer."""
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_DELETE = answer  # noqa: N815 - as http.server calls them

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002, ANN401 - as http.server has it
        """Say nothing."""


@pytest.fixture
def fake() -> Iterator[Fake]:
    """A server that runs."""
    with Fake() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def kestra_server(fake: Fake) -> Iterator[Server]:
    """The client of it."""
    with httpx.Client(base_url=f"http://127.0.0.1:{fake.server_address[1]}", auth=("user", "password")) as http:
        yield Server(http)


def test_a_run_leaves_what_the_embedded_engine_leaves(fake: Fake, kestra_server: Server, tmp_path: Path) -> None:
    """Flow and files are sent as Kestra takes them; outputs, logs, metrics and files are where tests look for them."""
    (tmp_path / "files" / "models").mkdir(parents=True)
    (tmp_path / "files" / "models" / "orders.sql").write_text("select 1")
    told: list[LogEntry] = []
    options: dict[str, Any] = {"files": tmp_path / "files", "inputs": {"target": "prod"}, "on_log": told.append}
    result = kestra_server.run(FLOW, tmp_path / "out", **options)

    assert (result.state, result.ended, result.execution_id) == ("SUCCESS", True, "e1")
    assert [entry["message"] for entry in told] == ["one", "one", "two\nlines"]
    assert result.outputs("build")["exitCode"] == 0
    assert result.execution["outputs"] == {"answer": 42}
    assert result.metrics == [{"name": "rows"}]
    assert result.log_text.splitlines()[-1].endswith("INFO orders[model.shop.orders] two\\nlines")
    assert {name: file.read_text() for name, file in result.files.items()} == {
        "build/nodes.ion": "a row",
        "build/_/nodes.ion": "a row",
    }
    sent = {request: (body, kind) for request, body, kind in fake.sent}
    assert sent["POST flows"] == (FLOW.encode(), "application/x-yaml")
    assert b'name="target"\r\n\r\nprod' in sent["POST executions/company.tests/build"][0]
    upload = sent["POST namespaces/company.tests/files"][0]
    archive = zipfile.ZipFile(io.BytesIO(upload[upload.index(b"PK\3\4") :]))
    assert archive.namelist() == ["models/orders.sql"]


def test_outputs_of_kestra_1_3_stay_in_the_task_runs(fake: Fake, kestra_server: Server, tmp_path: Path) -> None:
    """It has no outputs apart from the execution."""
    ended = execution("SUCCESS")
    ended["taskRunList"][0]["outputs"] = {"nodes": FILE}
    fake.answers |= {"GET executions/e1": [ended], "GET outputs/tasks/e1": [None]}
    result = kestra_server.wait("e1", tmp_path)
    assert result.outputs("build") == {"nodes": FILE}
    assert list(result.files) == ["build/nodes.ion"]


def test_refusals(fake: Fake, kestra_server: Server) -> None:
    """What the user gave is refused as on the embedded engine; anything else is an error that names the request."""
    fake.answers["POST flows/validate"] = [[{"constraints": "tasks: must not be empty"}], [{}]]
    with pytest.raises(FlowRefused, match="must not be empty"):
        kestra_server.submit(FLOW)
    fake.answers["POST executions/company.tests/build"] = [422]
    with pytest.raises(FlowRefused, match="422 refused"):
        kestra_server.submit(FLOW)
    fake.answers["DELETE executions/e1/kill"] = [409]
    with pytest.raises(EngineError, match="DELETE executions/e1/kill: 409"):
        kestra_server.kill("e1")


def test_a_run_that_takes_too_long_is_killed(fake: Fake, kestra_server: Server, tmp_path: Path) -> None:
    """As on the embedded engine."""
    fake.answers["GET executions/e1"] = [execution("RUNNING"), execution("RUNNING"), execution("KILLED")]
    result = kestra_server.wait("e1", tmp_path, timeout=0)
    assert (result.state, result.ended) == ("KILLED", False)
    assert [request for request, _, _ in fake.sent].count("DELETE executions/e1/kill") == 1


def test_a_restart_waits_until_it_is_taken_up(fake: Fake, kestra_server: Server) -> None:
    """Until then the execution looks ended."""
    fake.answers["GET executions/e1"] = [execution("FAILED"), execution("FAILED"), execution("RUNNING", 3)]
    assert kestra_server.restart("e1") == "e1"
    assert len(fake.answers["GET executions/e1"]) == 1
