"""The HTTP server: reads requests, lets faults have their way with them, and sends replies."""

from __future__ import annotations

import contextlib
import hmac
import json
import os
import re
import socket
import struct
import sys
import time
import traceback
from collections.abc import Iterable
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from fake_platform import api_control, api_jobs, api_runs, api_v3, api_webhooks
from fake_platform.clock import now
from fake_platform.fake import Fake
from fake_platform.faults import Fault
from fake_platform.records import Received
from fake_platform.routing import HELPER, Answer, ApiError, Reply, Request, Routes, as_json, error_reply, html

API: tuple[Routes, ...] = (api_jobs.routes, api_runs.routes, api_v3.routes, api_webhooks.routes)
CONTROL: tuple[Routes, ...] = (api_control.routes,)
KEPT_OF_BODY = 4000


class Server(ThreadingHTTPServer):
    """Serves one fake on the loopback."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, fake: Fake, port: int) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.fake = fake

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def handle_error(self, request: object, client_address: object) -> None:
        """Say what went wrong, but not that a client has gone."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class Handler(BaseHTTPRequestHandler):
    """Answers the requests of one connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def answer(self) -> None:
        """Answer one request."""
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        parts = urlsplit(self.path)
        path = unquote(parts.path)
        query = parse_qs(parts.query, keep_blank_values=True)
        request = Request(self.command, path, query, body, self.server.fake.store.account.id)
        if path.startswith("/_fake/") or self.headers["User-Agent"] == HELPER:
            self.send(self.carried_out(request, CONTROL + API))
            return
        met = self.server.fake.faults.meet(self.command, path)
        received = self.receive(request, parts.query, met[0] if met else None)
        reply = self.reply(request, met[1] if met else Fault())
        if reply:
            self.note_answer(received, reply.code)
            self.send(reply, met[1].cut_at if met else None)

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815 - as the base class wants them

    def receive(self, request: Request, query: str, fault: int | None) -> Received:
        """Note that a request came in."""
        store = self.server.fake.store
        received = Received(
            id=store.new_id(1),
            at=now(),
            method=request.method,
            path=request.path,
            query=query,
            headers={name: value for name, value in self.headers.items() if name.lower() != "authorization"},
            token_ok=self.token_ok(),
            body=request.body[:KEPT_OF_BODY].decode(errors="replace"),
            fault=fault,
        )
        return store.received.put(received.id, received)

    def note_answer(self, received: Received, code: int) -> None:
        """Note what a request was answered with, unless a test has had the requests forgotten meanwhile."""
        store = self.server.fake.store
        with store.lock:
            if store.received.get(received.id):
                store.received.change(received.id, answered=code)

    def reply(self, request: Request, fault: Fault) -> Reply | None:
        """Carry a request out, with what its fault makes of it; None if its connection was reset."""
        self.act(request, fault)
        if fault.when == "before":
            time.sleep(fault.delay_s)
            if fault.reset:
                self.reset()
                return None
            if answer := fault.answer():
                return answer
        spoiled = Request(**{**vars(request), "hidden": fault.hide, "page_limit": fault.page_limit})
        reply = self.carried_out(spoiled, API)
        if fault.when == "after":
            time.sleep(fault.delay_s)
            if fault.reset:
                self.reset()
                return None
            reply = fault.answer() or reply
        return self.changed(reply, fault)

    def act(self, request: Request, fault: Fault) -> None:
        """Do what somebody else does in the middle of it."""
        fake = self.server.fake
        if fault.action == "revoke_token":
            fake.store.change_settings(token_valid=False)
        run_id = re.search(r"/runs/(\d+)/", request.path)
        if run_id and fault.action == "cancel_run":
            fake.executor.cancel(int(run_id[1]))
        if run_id and fault.action == "delete_run":
            fake.store.change_run(int(run_id[1]), deleted=True)

    def carried_out(self, request: Request, routes: Iterable[Routes]) -> Reply:
        """Find who answers, check the token and the account, and let them answer."""
        answer: Answer | None = None
        held: dict[str, Any] = {}
        methods: set[str] = set()
        for route in routes:
            found = route.find(request.method, request.path)
            if isinstance(found, tuple):
                answer, held = found
            else:
                methods |= found
        try:
            if answer is None:
                return self.no_answer(request, routes, methods)
            if request.path.startswith("/api/"):
                self.check(held.pop("account_id", None))
            return answer(self.server.fake, request, **held)
        except ApiError as error:
            return error_reply(error.code, error.message)
        except Exception as error:  # noqa: BLE001 - a mistake of the fake must not look like one of its faults
            traceback.print_exc()
            return error_reply(500, f"The fake itself has failed: {error!r}")

    def no_answer(self, request: Request, routes: Iterable[Routes], methods: set[str]) -> Reply:
        """Answer to an unknown path or method. A GET without the last slash is sent there; a POST is lost."""
        if methods:
            return error_reply(405, f'Method "{request.method}" not allowed.')
        with_slash = f"{request.path}/"
        if request.method == "GET" and any(isinstance(one.find("GET", with_slash), tuple) for one in routes):
            query = urlsplit(self.path).query
            return Reply(301, headers={"Location": f"{with_slash}?{query}" if query else with_slash})
        return html(404)

    def check(self, account_id: int | None) -> None:
        """Refuse a token that opens nothing, and an account that it does not open.

        Raises:
            ApiError: 401 or 404.
        """
        if not self.token_ok():
            raise ApiError(401, "Invalid token.")
        if account_id not in (None, self.server.fake.store.account.id):
            raise ApiError(404)

    def token_ok(self) -> bool:
        """Whether the request has the token, behind one of the two words; a bare one does not count."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        right = hmac.compare_digest(token.encode(), self.server.fake.token.encode())
        return scheme in ("Token", "Bearer") and right and self.server.fake.store.settings.token_valid

    def changed(self, reply: Reply, fault: Fault) -> Reply:
        """Return a reply with fields set as the fault says, or without `extra` as the settings say."""
        no_extra = not self.server.fake.store.settings.list_extra
        if not isinstance(reply.body, bytes) or reply.content_type != "application/json" or not reply.body:
            return reply
        message = json.loads(reply.body)
        if no_extra and "extra" in message:
            del message["extra"]
        elif not fault.set:
            return reply
        if "data" in message:
            message["data"] = fault.changed(message["data"])
        return Reply(reply.code, as_json(message).body, headers=reply.headers)

    def send(self, reply: Reply, cut_at: int | None = None) -> None:
        """Send a reply; with `cut_at`, close the connection after so many bytes of its body."""
        self.send_response(reply.code)
        self.send_header("Content-Type", reply.content_type)
        self.send_header("Content-Length", str(reply.length))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        left = reply.length if cut_at is None else cut_at
        with contextlib.suppress(ConnectionError):  # whoever asked has gone
            for chunk in [reply.body] if isinstance(reply.body, bytes) else reply.body:
                self.wfile.write(chunk[:left])
                left -= len(chunk)
                if left <= 0:
                    break
        self.close_connection = self.close_connection or cut_at is not None

    def reset(self) -> None:
        """Reset the connection: the client sees neither an answer nor an orderly end."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True
        os.close(self.connection.detach())

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Tell the time by the fake's clock."""
        return formatdate((timestamp or now()) + self.server.fake.store.settings.clock_skew_s, usegmt=True)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class names it so
        """Say nothing: requests are kept, and can be asked for."""
