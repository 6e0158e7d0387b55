"""A small server that does what Kestra's API of flows documents, for deployments: Kestra's own is no jar to be had."""

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import yaml


class KestraServer(ThreadingHTTPServer):
    """Flows by their paths, and the calls that came."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.flows: dict[str, str] = {}
        self.calls: list[str] = []
        self.authorization = f"Basic {base64.b64encode(b'me@example.com:hunter2:x').decode()}"
        self.problem_of: Callable[[str], str | None] = lambda _: None
        """Says what is wrong with a flow, if anything is."""
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
        elif self.headers["Content-Type"] != "application/x-yaml":
            self._reply(415, "")
        elif problem := self.server.problem_of(body):
            self._reply(422, json.dumps({"message": problem}))
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


@contextmanager
def kestra_server() -> Iterator[KestraServer]:
    """Return a server that runs."""
    with KestraServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()
