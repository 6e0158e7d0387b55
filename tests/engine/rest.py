"""A Kestra server, by its REST API. It has what `Engine` has, so that the same cases run on both."""

from __future__ import annotations

import io
import itertools
import json
import re
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import httpx
import yaml
from client import EngineError, FlowRefused, LogEntry, Result

ENDED = {"SUCCESS", "WARNING", "FAILED", "KILLED", "CANCELLED", "RETRIED", "SKIPPED"}
POLL_S = 0.2
KILL_LIMIT_S = 30.0
SETTLE_LIMIT_S = 60.0
SETTLED_AFTER_EQUAL_LOOKS = 4
PAGE = 1000
YAML = {"Content-Type": "application/x-yaml"}

Json = dict[str, Any]


@dataclass(frozen=True)
class Server:
    """A server that runs, behind a client with its address and its user's name and password."""

    http: httpx.Client
    tenant: str = "main"

    def run(
        self,
        flow: str | Path,
        out: str | Path,
        *,
        files: str | Path | None = None,
        inputs: Mapping[str, Any] | None = None,
        timeout: float = 300,
        on_log: Callable[[LogEntry], None] | None = None,
    ) -> Result:
        """As `Engine.run`."""
        return self.wait(self.submit(flow, files=files, inputs=inputs), out, timeout=timeout, on_log=on_log)

    def submit(
        self, flow: str | Path, *, files: str | Path | None = None, inputs: Mapping[str, Any] | None = None
    ) -> str:
        """As `Engine.submit`.

        Raises:
            FlowRefused: Kestra does not take the flow or its inputs.
        """
        source = _text(flow)
        if refusal := self.validate(source):
            raise FlowRefused(refusal)
        known: Json = yaml.safe_load(source)
        path = f"{known['namespace']}/{known['id']}"
        self._deploy(path, source)
        if files:
            self._replace_files(known["namespace"], Path(files))
        given = [(name, (None, str(value))) for name, value in (inputs or {}).items()]
        reply = self._request("POST", f"executions/{path}", files=given or None, refusable=True)
        return str(reply.json()["id"])

    def wait(
        self,
        execution_id: str,
        out: str | Path,
        *,
        timeout: float = 300,
        on_log: Callable[[LogEntry], None] | None = None,
    ) -> Result:
        """As `Engine.wait`."""
        began = time.monotonic()
        follower = Follower(lambda: self._logs(execution_id), on_log)
        ended = self._await_end(execution_id, timeout, follower)
        if not ended:
            self.kill(execution_id)
            self._await_end(execution_id, KILL_LIMIT_S, follower)
        self._await_logs(execution_id, follower)
        seconds = time.monotonic() - began
        execution = self._execution(execution_id)
        out = Path(out).resolve()
        self._report(execution, out)
        return Result(execution_id, execution["state"]["current"], ended, seconds, out)

    def kill(self, execution_id: str) -> None:
        """Ask for a kill, and return at once."""
        self._request("DELETE", f"executions/{execution_id}/kill")

    def restart(self, execution_id: str) -> str:
        """Go on from the tasks that failed, in the same execution."""
        before = len(self._execution(execution_id)["state"]["histories"])
        self._request("POST", f"executions/{execution_id}/restart")
        deadline = time.monotonic() + KILL_LIMIT_S
        # Until the executor has it, the execution still looks ended, and a wait for its end would be over at once.
        while len(self._execution(execution_id)["state"]["histories"]) <= before:
            if time.monotonic() > deadline:
                raise EngineError(f"The restart of {execution_id} was not taken up.")
            time.sleep(POLL_S)
        return execution_id

    def validate(self, flow: str | Path) -> str | None:
        """Kestra's own judgement of a flow: None, or why it refuses it."""
        reply = self._request("POST", "flows/validate", content=_text(flow), headers=YAML)
        refusals = [str(found["constraints"]) for found in reply.json() if found.get("constraints")]
        return "; ".join(refusals[0].split("\n")) if refusals else None

    def _deploy(self, path: str, source: str) -> None:
        exists = self._request("GET", f"flows/{path}", absent=True).status_code != httpx.codes.NOT_FOUND
        method, where = ("PUT", f"flows/{path}") if exists else ("POST", "flows")
        self._request(method, where, content=source, headers=YAML, refusable=True)

    def _replace_files(self, namespace: str, folder: Path) -> None:
        where = f"namespaces/{namespace}/files"
        for path in self._request("GET", f"{where}/search", params={"q": ""}).json():
            # With the last file of a folder goes the folder, so that one may be gone already.
            self._request("DELETE", where, params={"path": path}, absent=True)
        archive = io.BytesIO()
        with zipfile.ZipFile(archive, "w") as writer:
            for file in sorted(file for file in folder.rglob("*") if file.is_file()):
                writer.write(file, file.relative_to(folder).as_posix())
        content = {"fileContent": ("files.zip", archive.getvalue(), "application/zip")}
        self._request("POST", where, params={"path": "/files.zip"}, files=content)

    def _await_end(self, execution_id: str, limit_s: float, follower: Follower) -> bool:
        deadline = time.monotonic() + limit_s
        while not has_ended(self._execution(execution_id)):
            if time.monotonic() > deadline:
                return False
            follower.look()
            time.sleep(POLL_S)
        return True

    def _await_logs(self, execution_id: str, follower: Follower) -> None:
        """Logs and metrics come by queues of their own, after the end: wait until nothing new comes."""
        last, equal, deadline = (-1, -1), 0, time.monotonic() + SETTLE_LIMIT_S
        while equal < SETTLED_AFTER_EQUAL_LOOKS and time.monotonic() < deadline:
            time.sleep(POLL_S)
            follower.look()
            look = (len(self._logs(execution_id)), len(self._metrics(execution_id)))
            equal = equal + 1 if look == last else 0
            last = look

    def _execution(self, execution_id: str) -> Json:
        execution: Json = self._request("GET", f"executions/{execution_id}").json()
        return execution

    def _logs(self, execution_id: str) -> list[LogEntry]:
        logs: list[LogEntry] = self._request("GET", f"logs/{execution_id}").json()
        return sorted(logs, key=lambda log: str(log["timestamp"]))

    def _metrics(self, execution_id: str) -> list[Json]:
        metrics: list[Json] = []
        for page in itertools.count(1):
            found = self._request("GET", f"metrics/{execution_id}", params={"page": page, "size": PAGE}).json()
            metrics += found["results"]
            if len(metrics) >= found["total"]:
                break
        return metrics

    def _with_outputs(self, execution: Json) -> Json:
        """Put outputs where Kestra 1.3 has them: in the task runs; 2.0 keeps them apart."""
        where = f"outputs/tasks/{execution['id']}"
        listed = self._request("GET", where, absent=True)
        if listed.status_code != httpx.codes.NOT_FOUND:
            having = {str(found["taskRunId"]) for found in listed.json()}
            for task_run in execution.get("taskRunList") or []:
                known = task_run["id"] in having
                task_run["outputs"] = self._request("GET", f"{where}/{task_run['id']}").json() if known else {}
            execution["outputs"] = self._request("GET", f"outputs/executions/{execution['id']}").json()
        return execution

    def _report(self, execution: Json, out: Path) -> None:
        """Write what the embedded engine writes (Report.java)."""
        execution_id = execution["id"]
        out.mkdir(parents=True, exist_ok=True)
        _write(out / "execution.json", self._with_outputs(execution))
        _write(out / "graph.json", self._request("GET", f"executions/{execution_id}/graph").json())
        _write(out / "metrics.json", self._metrics(execution_id))
        logs = self._logs(execution_id)
        (out / "logs.jsonl").write_text("".join(json.dumps(log) + "\n" for log in logs), encoding="utf-8")
        labels = {run["id"]: _label(run) for run in execution.get("taskRunList") or []}
        (out / "logs.txt").write_text("".join(_line(log, labels) for log in logs), encoding="utf-8")
        for run in execution.get("taskRunList") or []:
            for name, uri in files_in(run.get("outputs") or {}):
                self._download(
                    execution_id, uri, out / "files" / _below(run["taskId"].replace("/", "_")) / _below(name)
                )

    def _download(self, execution_id: str, uri: str, target: Path) -> None:
        target.parent.mkdir(parents=True, exist_ok=True)
        url = f"/api/v1/{self.tenant}/executions/{execution_id}/file"
        with self.http.stream("GET", url, params={"path": uri}) as reply, target.open("wb") as writer:
            reply.raise_for_status()
            for chunk in reply.iter_bytes():
                writer.write(chunk)

    def _request(
        self,
        method: str,
        path: str,
        *,
        refusable: bool = False,
        absent: bool = False,
        **options: Any,  # noqa: ANN401 - httpx's
    ) -> httpx.Response:
        """Send a request; `refusable`: a refusal is about what the user gave; `absent`: 404 is an answer."""
        reply = self.http.request(method, f"/api/v1/{self.tenant}/{path}", **options)
        if reply.is_success or (absent and reply.status_code == httpx.codes.NOT_FOUND):
            return reply
        message = f"{method} {path}: {reply.status_code} {reply.text[:1000]}"
        if refusable and reply.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.UNPROCESSABLE_ENTITY):
            raise FlowRefused(message)
        raise EngineError(message)


class Follower:
    """Tells each log entry once, out of ever longer lists of all; equal entries do happen, so they are counted."""

    def __init__(self, read: Callable[[], list[LogEntry]], on_log: Callable[[LogEntry], None] | None) -> None:
        self._read, self._on_log = read, on_log
        self._told: Counter[str] = Counter()

    def look(self) -> None:
        """Tell what is new, if anybody listens."""
        if self._on_log is None:
            return
        seen: Counter[str] = Counter()
        for entry in self._read():
            key = json.dumps(entry, sort_keys=True)
            seen[key] += 1
            if seen[key] > self._told[key]:
                self._told[key] += 1
                self._on_log(entry)


def has_ended(execution: Json) -> bool:
    """Whether nothing of it runs: Kestra 1.3 calls an execution killed while its tasks still stop."""
    states = [execution["state"]["current"], *(run["state"]["current"] for run in execution.get("taskRunList") or [])]
    return all(state in ENDED for state in states)


def files_in(value: Any, key: str = "") -> Iterator[tuple[str, str]]:  # noqa: ANN401 - it is JSON
    """Return the files of outputs, each with its name: the key, with the stored file's extension if it has none."""
    if isinstance(value, str) and value.startswith("kestra:///"):
        yield (key if "." in PurePosixPath(key).name else key + PurePosixPath(value).suffix), value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from files_in(inner, name)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from files_in(inner, f"{key}/{place}")


def _below(name: str) -> Path:
    """A relative path that stays below its folder, whatever a task chose as its keys."""
    return Path(*(part if part.strip() and part not in (".", "..") else "_" for part in re.split(r"[/\\]+", name)))


def _label(task_run: Json) -> str:
    return str(task_run["taskId"]) + (f"[{task_run['value']}]" if task_run.get("value") else "")


def _line(log: LogEntry, labels: dict[str, str]) -> str:
    label = labels.get(log.get("taskRunId") or "") or log.get("taskId") or "-"
    message = "\\n".join(str(log.get("message") or "").strip().splitlines())
    return f"{log['timestamp']} {log['level']} {label} {message}\n"


def _text(flow: str | Path) -> str:
    return flow if isinstance(flow, str) and "\n" in flow else Path(flow).read_text(encoding="utf-8")


def _write(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=2), encoding="utf-8")
