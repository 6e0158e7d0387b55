"""How a run's cost grows: with its nodes, and with its lines of log.

No dbt is run: `replay.py` tells of a build as the runner would, to the plugin in a real Kestra. Beside it is the floor,
a task that registers as many task runs, or logs as many lines, by Kestra's own means.
"""

import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from client import Engine
from figures import Figure
from histories import end, seconds
from memory import UNPROTECTED, alone, check, flow, replay, task_runs
from ways import in_turns

NODES = (100, 1_000, 3_000, 10_000)
LINES = (1_000, 10_000, 100_000)
MANIFEST_MB = 1
LIMIT_S = 900.0

Values = dict[str, float]


def measure(rounds: int, kestra: str, env: dict[str, str]) -> Iterator[Figure]:
    """Yield what each size takes, in all and for one node or line."""
    yield from _nodes(rounds, kestra, env)
    yield from _lines(rounds, kestra, env)


def _nodes(rounds: int, kestra: str, env: dict[str, str]) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, Engine.start(kestra, env=env | UNPROTECTED) as engine:
        work = Path(folder)
        for size in (300, *NODES):  # the first one is not counted
            ways: dict[str, Callable[[], Values]] = {
                "plugin": partial(of_flow, engine, work, replay(size, MANIFEST_MB, None)),
                "floor": partial(of_flow, engine, work, task_runs(size, None)),
                "replay": partial(of_replay, size, 0, work, env),
            }
            found = list(said(ways, 1 if size not in NODES else rounds, f"{size:,} nodes"))
            if size in NODES:
                yield from told(f"{size:,} nodes, a line of log each, replayed, Kestra {kestra}", "node", size, found)


def _lines(rounds: int, kestra: str, env: dict[str, str]) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        work = Path(folder)
        for size in LINES:
            ways: dict[str, Callable[[], Values]] = {
                "plugin": partial(of_flood, kestra, env, work, partial(replay, 1, MANIFEST_MB, None), size),
                "floor": partial(of_flood, kestra, env, work, partial(task_runs, 1, None), size),
                "replay": partial(of_replay, 1, size, work, env),
            }
            found = list(said(ways, rounds, f"{size:,} lines"))
            yield from told(f"one node with {size:,} lines of log, replayed, Kestra {kestra}", "line", size, found)


def said(ways: dict[str, Callable[[], Values]], rounds: int, size: str) -> Iterator[dict[str, Values]]:
    """Measure each way once a round, and print it."""
    for found in in_turns(ways, rounds):
        words = "   ".join(f"{way} {what} {value:.2f}" for way in ways for what, value in found[way].items())
        print(f"  {size}: {words}", flush=True)
        yield found


def of_flood(kestra: str, env: dict[str, str], work: Path, task: Callable[[int], dict[str, Any]], lines: int) -> Values:
    """Return the same for many lines, on an engine that has seen a few: it is busy for minutes with storing them."""
    with Engine.start(kestra, env=env | UNPROTECTED) as engine:
        of_flow(engine, work, task(LINES[0]))
        return of_flow(engine, work, task(lines), leave_logs=True)


def of_flow(engine: Engine, work: Path, task: dict[str, Any], *, leave_logs: bool = False) -> Values:
    """Return the seconds of the task, and of what the executor does after it."""
    result = engine.run(flow(task), tempfile.mkdtemp(dir=work), timeout=LIMIT_S, leave_logs=leave_logs)
    check(result)
    task_run = result.task_run("task")
    after = (end(result.execution) - end(task_run)).total_seconds()
    return {"the task": seconds(task_run), "after it": after, "the execution": seconds(result.execution)}


def of_replay(nodes: int, lines: int, work: Path, env: dict[str, str]) -> Values:
    """Return the seconds of what the plugin waits for."""
    return {"alone": alone(nodes, MANIFEST_MB, work, env, lines)}


def told(question: str, one: str, size: int, found: list[dict[str, Values]]) -> list[Figure]:
    """Return the figures of one size: seconds, and milliseconds for one node or line."""
    figures = [
        Figure(
            question,
            f"{way}: {what}",
            [values[way][what] for values in found],
            against=(f"floor: {what}",) if way == "plugin" else (),
        )
        for way, first in found[0].items()
        for what in first
    ]
    whole = {way: [values[way]["the execution"] / size * 1000 for values in found] for way in ("plugin", "floor")}
    figures += [Figure(question, f"{way}: the execution, a {one}", ms, "ms") for way, ms in whole.items()]
    return figures
