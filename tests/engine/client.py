"""A real Kestra engine for tests: starts tests/engine as a JVM and speaks to it.

    with Engine.start("2.0.0", secrets={"TOKEN": "…"}) as engine:
        result = engine.run("flow.yaml", out=tmp_path, files="project/", inputs={"target": "prod"})
        assert result.state == "SUCCESS"

One JVM serves many executions, at the same time too; its start takes about ten seconds, an execution half a second.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import queue
import shutil
import subprocess
import tempfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
VERSIONS = ("2.0.0", "1.3.31")

START_LIMIT_S = 120.0
STOP_LIMIT_S = 10.0
# The engine bounds each wait itself: to the end, after a kill, until logs have come. This is for an engine that hangs.
GRACE_S = 120.0

LogEntry = dict[str, Any]


class EngineError(Exception):
    """The engine could not do what was asked; the message says why."""


class FlowRefused(EngineError):  # noqa: N818 - an outcome that tests expect, not a fault
    """Kestra does not take the flow or its inputs. The message is Kestra's own, in one line."""


class NotBuiltError(EngineError):
    """The engine or the plugin is not built; the message names the command that builds it."""


@dataclass(frozen=True)
class Result:
    """What an execution left: its state, and the files in `out`, read when asked for."""

    execution_id: str
    state: str
    """As Kestra names it: SUCCESS, WARNING, FAILED, KILLED, ..."""
    ended: bool
    """False if the time limit passed; the execution was killed then."""
    seconds: float
    out: Path

    @property
    def ok(self) -> bool:
        """As Kestra sees it: a warning is no failure."""
        return self.ended and self.state in ("SUCCESS", "WARNING")

    @cached_property
    def execution(self) -> dict[str, Any]:
        """Kestra's JSON of the execution; each task run has its `outputs`, on every version."""
        execution: dict[str, Any] = self._json("execution.json")
        return execution

    @property
    def task_runs(self) -> list[dict[str, Any]]:
        """In the order in which Kestra has them."""
        return self.execution.get("taskRunList") or []

    def task_run(self, task_id: str) -> dict[str, Any]:
        """The last task run of a task."""
        return [task_run for task_run in self.task_runs if task_run["taskId"] == task_id][-1]

    def outputs(self, task_id: str) -> dict[str, Any]:
        """Of the last task run of a task."""
        outputs: dict[str, Any] = self.task_run(task_id)["outputs"]
        return outputs

    @cached_property
    def graph(self) -> dict[str, Any]:
        """The graph that the Topology of the execution draws."""
        graph: dict[str, Any] = self._json("graph.json")
        return graph

    @cached_property
    def metrics(self) -> list[dict[str, Any]]:
        """Each with name, value, tags, taskId and taskRunId."""
        metrics: list[dict[str, Any]] = self._json("metrics.json")
        return metrics

    @cached_property
    def logs(self) -> list[LogEntry]:
        """By time."""
        return [json.loads(line) for line in (self.out / "logs.jsonl").read_text(encoding="utf-8").splitlines()]

    @property
    def log_text(self) -> str:
        """One line an entry: time, level, task[value], message."""
        return (self.out / "logs.txt").read_text(encoding="utf-8")

    @cached_property
    def files(self) -> dict[str, Path]:
        """Every file in the outputs, by `TASK_ID/NAME`."""
        root = self.out / "files"
        return {path.relative_to(root).as_posix(): path for path in sorted(root.rglob("*")) if path.is_file()}

    def _json(self, name: str) -> Any:  # noqa: ANN401 - it is JSON
        return json.loads((self.out / name).read_text(encoding="utf-8"))


class Engine:
    """An engine that runs. `start` makes one; leaving its `with` block stops it. Safe for use by many threads."""

    def __init__(self, process: subprocess.Popen[str], work: Path) -> None:
        assert process.stdin and process.stdout  # as `start` makes them
        self._process, self._requests, self._replies = process, process.stdin, process.stdout
        self._work = work
        self._ids = itertools.count(1)
        self._write_lock = threading.Lock()
        self._waiting: dict[int, queue.SimpleQueue[dict[str, Any] | None]] = {}
        self._ready = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    @classmethod
    def start(
        cls,
        version: str = VERSIONS[0],
        *,
        secrets: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        in_memory: bool = True,
        work: Path | None = None,
        stderr: int | None = None,
    ) -> Engine:
        """Start an engine with the plugin jar of plugin/build/libs.

        Args:
            version: of Kestra, one of VERSIONS.
            secrets: what `{{ secret('KEY') }}` gives, by KEY.
            env: environment variables of the engine, and so of its Process tasks, on top of this process's.
            in_memory: whether its database is in the JVM's heap; else it is in files, gone with the engine too.
            work: the folder of an engine that has crashed, whose database and storage this one takes over.
            stderr: where warnings of Kestra go, as in subprocess.Popen.

        Raises:
            NotBuiltError: with the command to run.
            EngineError: the engine has not started within two minutes.
        """
        work = work or Path(tempfile.mkdtemp(prefix="kestra-engine-"))
        database = {} if in_memory else database_in_files(work)
        process = subprocess.Popen(
            command(version, work),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=environment(secrets or {}, {**(env or {}), **database}),
            encoding="utf-8",
        )
        engine = cls(process, work)
        if not engine._ready.wait(START_LIMIT_S) or process.poll() is not None:
            engine.stop()
            raise EngineError(f"The engine {version} has not started; what it printed to stderr says why.")
        return engine

    @property
    def pid(self) -> int:
        """The JVM; what its Process tasks start are its descendants."""
        return self._process.pid

    def run(
        self,
        flow: str | Path,
        out: str | Path,
        *,
        files: str | Path | None = None,
        inputs: Mapping[str, Any] | None = None,
        timeout: float = 300,
        on_log: Callable[[LogEntry], None] | None = None,
        leave_logs: bool = False,
    ) -> Result:
        """Run a flow to its end and write all there is of it to `out`.

        Args:
            flow: a file, or the YAML itself.
            out: the folder for it; made if need be.
            files: a folder that replaces the files of the flow's namespace.
            inputs: given their types by Kestra, as those of a form.
            timeout: seconds; an execution that takes longer is killed, and `ended` is False.
            on_log: called with each log entry as it comes.
            leave_logs: whether not to wait for the logs that Kestra has not stored when the execution ends.

        Raises:
            FlowRefused: Kestra does not take the flow or its inputs.
        """
        request = self._start_request("run", flow, files, inputs) | {"leave_logs": leave_logs}
        return self._await(request, out, timeout, on_log)

    def submit(
        self, flow: str | Path, *, files: str | Path | None = None, inputs: Mapping[str, Any] | None = None
    ) -> str:
        """Start a flow and return the id of its execution, for `wait`, `kill` and `restart`."""
        return str(self._ask(self._start_request("start", flow, files, inputs))["execution_id"])

    def wait(
        self,
        execution_id: str,
        out: str | Path,
        *,
        timeout: float = 300,
        on_log: Callable[[LogEntry], None] | None = None,
    ) -> Result:
        """As `run`, of an execution that was started."""
        return self._await({"op": "await", "execution_id": execution_id}, out, timeout, on_log)

    def kill(self, execution_id: str) -> None:
        """Ask for a kill, and return at once."""
        self._ask({"op": "kill", "execution_id": execution_id})

    def restart(self, execution_id: str) -> str:
        """Go on from the tasks that failed, in the same execution."""
        return str(self._ask({"op": "restart", "execution_id": execution_id})["execution_id"])

    def replay(self, execution_id: str, task_id: str) -> str:
        """Do again, in a new execution, what came from this task on; return the id of that."""
        request = {"op": "replay", "execution_id": execution_id, "task_id": task_id}
        return str(self._ask(request)["execution_id"])

    def save(self, flow: str | Path) -> None:
        """Save a flow without starting it, so that its triggers are in force."""
        self._ask({"op": "save", "flow": self._flow_file(flow)})

    def executions(self, namespace: str, flow_id: str) -> list[str]:
        """All executions of a flow, in the order in which they were started."""
        found: list[str] = self._ask({"op": "executions", "namespace": namespace, "flow_id": flow_id})["execution_ids"]
        return found

    def deliver(self, namespace: str, flow_id: str, headers: Mapping[str, str], body: str) -> int:
        """Hand a POST to the webhook trigger of a flow, as Kestra's server does, and return the answer's status."""
        request = {"op": "webhook", "namespace": namespace, "flow_id": flow_id, "headers": dict(headers), "body": body}
        return int(self._ask(request)["status"])

    def validate(self, flow: str | Path) -> str | None:
        """Kestra's own judgement of a flow: None, or why it refuses it."""
        error: str | None = self._exchange({"op": "validate", "flow": self._flow_file(flow)})["error"]
        return error

    def crash(self) -> Path:
        """Kill the JVM hard, and nothing else; return its folder, from which another engine can go on."""
        self._process.kill()
        self._process.wait()
        self._requests.close()
        self._reader.join(STOP_LIMIT_S)
        self._replies.close()
        return self._work

    def stop(self) -> None:
        """End the JVM, and what its tasks have started."""
        try:
            self._requests.close()  # the engine takes the end of its stdin as its own
            self._process.wait(STOP_LIMIT_S)
        except (OSError, subprocess.TimeoutExpired):
            self._process.kill()
            self._process.wait()
        self._reader.join(STOP_LIMIT_S)
        self._replies.close()
        shutil.rmtree(self._work, ignore_errors=True)

    def __enter__(self) -> Engine:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _start_request(
        self, op: str, flow: str | Path, files: str | Path | None, inputs: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        return {
            "op": op,
            "flow": self._flow_file(flow),
            "files": str(Path(files).resolve()) if files else None,
            "inputs": dict(inputs or {}),
        }

    def _flow_file(self, flow: str | Path) -> str:
        if isinstance(flow, str) and "\n" in flow:
            handle, name = tempfile.mkstemp(suffix=".yaml", dir=self._work)
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(flow)
            return name
        return str(Path(flow).resolve(strict=True))

    def _await(
        self, request: dict[str, Any], out: str | Path, timeout: float, on_log: Callable[[LogEntry], None] | None
    ) -> Result:
        out = Path(out).resolve()
        request |= {"out": str(out), "timeout": timeout, "follow": on_log is not None}
        reply = self._ask(request, timeout, on_log)
        return Result(reply["execution_id"], reply["state"], reply["ended"], reply["seconds"], out)

    def _ask(
        self, request: dict[str, Any], timeout: float = 0, on_log: Callable[[LogEntry], None] | None = None
    ) -> dict[str, Any]:
        reply = self._exchange(request, timeout, on_log)
        if reply.get("refused"):
            raise FlowRefused(reply["error"])
        if reply.get("error"):
            raise EngineError(reply["error"])
        return reply

    def _exchange(
        self, request: dict[str, Any], timeout: float = 0, on_log: Callable[[LogEntry], None] | None = None
    ) -> dict[str, Any]:
        """Send a request and wait for its reply, `timeout` and a grace at most."""
        request_id = next(self._ids)
        replies = self._waiting[request_id] = queue.SimpleQueue()
        try:
            with self._write_lock:
                self._requests.write(json.dumps({"id": request_id, **request}) + "\n")
                self._requests.flush()
            while True:
                reply = replies.get(timeout=timeout + GRACE_S)
                if reply is None:
                    raise EngineError("The engine has ended; what it printed to stderr says why.")
                if on_log is None or reply.get("event") != "log":
                    return reply
                on_log({key: value for key, value in reply.items() if key not in ("id", "event")})
        except queue.Empty:
            raise EngineError(f"The engine has not answered {request['op']} in time.") from None
        except OSError as error:
            raise EngineError(f"The engine has ended: {error}") from error
        finally:
            del self._waiting[request_id]

    def _read(self) -> None:
        """Hands each reply to the thread that waits for it; at the end of the engine, tells all of them."""
        for line in self._replies:
            reply = json.loads(line)
            if reply.get("event") == "ready":
                self._ready.set()
            elif waiting := self._waiting.get(reply.get("id")):
                waiting.put(reply)
        self._ready.set()
        for waiting in list(self._waiting.values()):
            waiting.put(None)


def command(version: str, work: Path) -> list[str | Path]:
    """What starts an engine, as the build wrote it down.

    Args:
        version: of Kestra, one of VERSIONS.
        work: an empty folder for the internal storage and for Kestra's temporary files.

    Raises:
        NotBuiltError: with the command to run.
    """
    if version not in VERSIONS:
        raise EngineError(f"No engine for Kestra {version}; there are {' and '.join(VERSIONS)}.")
    build = HERE / "build" / version
    jars = list((ROOT / "plugin" / "build" / "libs").glob("kestra-dbt-*.jar"))
    if not (build / "engine.args").exists() or not jars:
        line = version.rpartition(".")[0]
        raise NotBuiltError(
            f"Build the plugin and the engine first: scripts/gradle :plugin:shadowJar :engine-{line}:classpath"
        )
    plugins = work / "plugins"
    plugins.mkdir(exist_ok=True)
    for jar in jars:  # a copy: a build in the meantime must not take the jar away from under the engine
        shutil.copy(jar, plugins)
    java = (build / "engine.java").read_text(encoding="utf-8").strip()
    return [java, f"-Djava.io.tmpdir={work}", f"@{build / 'engine.args'}", plugins, work]


def database_in_files(folder: Path) -> dict[str, str]:
    """What makes an engine keep its H2 database in files, with a small cache, as variables that Micronaut reads."""
    return {
        "KESTRA_REPOSITORY_TYPE": "h2",
        "KESTRA_QUEUE_TYPE": "h2",
        "DATASOURCES_H2_URL": f"jdbc:h2:file:{folder}/kestra;DB_CLOSE_ON_EXIT=FALSE;CACHE_SIZE=4096;LOCK_TIMEOUT=60000",
        "DATASOURCES_H2_USERNAME": "sa",
        "DATASOURCES_H2_PASSWORD": "",
        "DATASOURCES_H2_DRIVERCLASSNAME": "org.h2.Driver",
        # Kestra 1.3 only, as its in-memory repository sets them.
        "FLYWAY_DATASOURCES_H2_ENABLED": "true",
        "FLYWAY_DATASOURCES_H2_LOCATIONS": "classpath:migrations/h2",
        "FLYWAY_DATASOURCES_H2_OUTOFORDER": "true",
        "FLYWAY_DATASOURCES_H2_IGNOREMIGRATIONPATTERNS": "*:missing,*:future",
    }


def environment(secrets: Mapping[str, str], env: Mapping[str, str]) -> dict[str, str]:
    """The engine's environment, with secrets as Kestra's open source edition expects them: SECRET_KEY, in Base64."""
    encoded = {f"SECRET_{key.upper()}": base64.b64encode(value.encode()).decode() for key, value in secrets.items()}
    return {**os.environ, **env, **encoded}
