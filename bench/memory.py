"""How much memory a worker needs while a large run goes through, and how long that takes.

No dbt is run: `replay.py` tells of a build as the runner would, and writes a manifest. What is measured is the plugin
in a real Kestra, and beside it a task that only registers as many task runs with as many log lines, by Kestra's own
means: the floor. The engine has its database in files, so that it is not counted. It is worker and executor in one,
though: what is live after the task's end is the executor's, who gets the task runs then.
"""

import json
import subprocess
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from client import Engine, Result
from figures import Figure
from heap import Heap, Sample
from histories import end, seconds

REPLAY = Path(__file__).resolve().parent / "replay.py"
WARM_UP = 300
LIMIT_S = 900.0
RESULT_LIMIT = 20_000_000
"""Bytes of a task's result, so that each node has a row."""

UNPROTECTED = {
    "KESTRA_QUEUE_MESSAGE_PROTECTION_ENABLED": "false",
    "KESTRA_GRPC_MAX_INBOUND_MESSAGE_SIZE": str(RESULT_LIMIT),
}
"""What makes Kestra take it, as variables that Micronaut reads."""

Task = Callable[[Path | None], dict[str, Any]]
"""A task, given the folder by which it lets the bench look before it ends; None: it goes on at once."""

Values = dict[str, float]


def measure(nodes: int, manifest_mb: int, rounds: int, kestra: str, env: dict[str, str]) -> list[Figure]:
    """Return the live heap and the times of both."""
    ways: dict[str, Task] = {"plugin": partial(replay, nodes, manifest_mb), "floor": partial(task_runs, nodes)}
    found: dict[str, list[Values]] = {way: [] for way in ways}
    replayed: list[float] = []
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Engine.start(kestra, env=env | UNPROTECTED, in_memory=False) as engine,
    ):
        bench = Bench(engine, Path(folder))
        bench.time(partial(replay, WARM_UP, 1))
        bench.time(partial(task_runs, WARM_UP))
        for turn in range(rounds):
            for way in ways if turn % 2 == 0 else reversed(ways):
                values = bench.memory(ways[way]) | bench.time(ways[way])
                print(f"  {way}: " + ", ".join(f"{what} {value:.1f}" for what, value in values.items()), flush=True)
                found[way].append(values)
            replayed.append(alone(nodes, manifest_mb, Path(folder), env))
    question = f"{nodes:,} nodes and a manifest of {manifest_mb} MB, replayed: live heap above idle, Kestra {kestra}"
    return [
        Figure(
            question,
            f"{way}: {what}",
            [values[what] for values in found[way]],
            "s" if "time" in what else "MB",
            () if way == "floor" else (f"floor: {what}",),
        )
        for way in ways
        for what in found[way][0]
    ] + [Figure(question, "replay alone: time", replayed)]


class Bench:
    """Runs flows of one task on an engine, and looks at its heap meanwhile."""

    def __init__(self, engine: Engine, work: Path) -> None:
        self._engine, self._work = engine, work
        self._heap = Heap(engine.pid)

    def memory(self, task: Task) -> Values:
        """Return what is live at most, above what was before."""
        gate = Path(tempfile.mkdtemp(dir=self._work))
        idle = self._heap.settled()
        execution_id = self._engine.submit(flow(task(gate)))
        with self._heap.watched() as running:
            await_file(gate / "all-in")
        all_in = self._heap.settled()
        (gate / "go-on").touch()
        with self._heap.watched() as ending:
            result = self._engine.wait(execution_id, gate / "out", timeout=LIMIT_S)
        check(result)
        task_ended, ended = end(result.task_run("task")), end(result.execution)
        running_task = [sample for sample in running + ending if sample.at <= task_ended]
        executor = [sample for sample in ending if task_ended < sample.at <= ended]
        return {
            "when all results are in": all_in - idle,
            "most until the task's end": max(all_in, most(running_task)) - idle,
            "most after it (executor)": most(executor) - idle,
        }

    def time(self, task: Task) -> Values:
        """Return seconds, with nobody looking."""
        out = tempfile.mkdtemp(dir=self._work)
        result = self._engine.run(flow(task(None)), out, timeout=LIMIT_S)
        check(result)
        return {
            "time of the task": seconds(result.task_run("task")),
            "time of the execution": seconds(result.execution),
        }


def replay(nodes: int, manifest_mb: int, gate: Path | None, lines: int = 1) -> dict[str, Any]:
    """Return a task of ours to which a build is replayed."""
    env = size(nodes, manifest_mb, lines) | ({"BENCH_GATE": str(gate)} if gate else {})
    return {"type": "io.kestradbt.core.Build", "pythonPath": str(REPLAY), "env": env, "resultLimit": RESULT_LIMIT}


def alone(nodes: int, manifest_mb: int, out: Path, env: dict[str, str], lines: int = 1) -> float:
    """Return the seconds of the replay with nobody listening."""
    settings = size(nodes, manifest_mb, lines) | {"OUTPUT_DIR": str(out)}
    began = time.perf_counter()
    subprocess.run([str(REPLAY)], env={**env, **settings}, stdout=subprocess.DEVNULL, check=True)
    return time.perf_counter() - began


def size(nodes: int, manifest_mb: int, lines: int) -> dict[str, str]:
    """Return what tells the replay its size."""
    return {"BENCH_NODES": str(nodes), "BENCH_MANIFEST_MB": str(manifest_mb), "BENCH_LINES": str(lines)}


def task_runs(count: int, gate: Path | None, lines: int = 0) -> dict[str, Any]:
    """Return a task of the engine's that only registers task runs, after ``lines`` of log of its own."""
    of = {"type": "io.kestradbt.engine.TaskRuns", "count": count, "lines": lines}
    return of | ({"gate": str(gate)} if gate else {})


def flow(task: dict[str, Any]) -> str:
    """Return a flow of this task; JSON is YAML."""
    return json.dumps({"id": "bench", "namespace": "company.bench", "tasks": [{"id": "task", **task}]}, indent=1)


def await_file(file: Path) -> None:
    """Wait for a file."""
    deadline = time.monotonic() + LIMIT_S
    while not file.exists():
        if time.monotonic() > deadline:
            raise SystemExit(f"The task has not come as far as {file.name} within {LIMIT_S:.0f} s.")
        time.sleep(0.05)


def check(result: Result) -> None:
    """Give up if it did not end well."""
    if result.state != "SUCCESS":
        raise SystemExit(f"The flow ended in {result.state}:\n{result.log_text[-3000:]}")


def most(samples: list[Sample]) -> float:
    """Return the largest; not a number if the phase was over before anybody looked."""
    return max((sample.megabytes for sample in samples), default=float("nan"))
