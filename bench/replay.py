#!/usr/bin/env python3
"""Stands in for the runner: tells of a dbt build of any size without one, so that what listens can be measured.

The bench gives it to a task as its `pythonPath`. In the environment:

    BENCH_NODES         how many nodes, a third of them models, each with two tests
    BENCH_LINES         how many lines of log each of them has
    BENCH_MANIFEST_MB   size of manifest.json
    BENCH_GATE          a folder in which `all-in` tells that all events are out, and `go-on` lets it end; or unset
    OUTPUT_DIR          where artifacts belong; Kestra sets it
"""

import os
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from kestra_dbt.protocol import (
    Artifact,
    Ended,
    Event,
    InvocationFinished,
    InvocationStarted,
    Level,
    Log,
    NodeFinished,
    NodeStarted,
    Outcome,
    Summary,
    encode,
)

TESTS_PER_MODEL = 2
CHUNK = (b'"model.bench.a_node": {"description": "' + b"x" * 900 + b'"},\n') * 100


def main() -> None:
    """Speak as the runner does."""
    nodes = int(os.environ["BENCH_NODES"])
    for event in build(nodes, int(os.environ["BENCH_LINES"])):
        tell(event)
    if gate := os.environ.get("BENCH_GATE"):
        wait_at(Path(gate))
    tell(manifest(int(os.environ["BENCH_MANIFEST_MB"]) * 1_000_000))
    tell(Ended(outcome=Outcome.SUCCESS, exit_code=0, summary=Summary(nodes=nodes, success=nodes, invocations=1)))


def build(nodes: int, lines: int) -> Iterator[Event]:
    """Return the events of a build in which each model is followed by its tests."""
    yield InvocationStarted(invocation=1, command="build", at=now(), dbt_version="0.0.0")
    for place in range(nodes):
        yield from events(node(place), place + 1, nodes, lines)
    yield InvocationFinished(invocation=1, exit_code=0, at=now())


def node(place: int) -> dict[str, Any]:
    """Return which node it is: names are as long as usual."""
    number, test = divmod(place, TESTS_PER_MODEL + 1)
    name = f"stg_orders_of_region_{number:05}"
    model = f"model.bench.{name}"
    if test == 0:
        return {"unique_id": model, "label": name, "resource_type": "model"}
    label = f"not_null_{name}_column_{test}"
    return {"unique_id": f"test.bench.{label}.{place:010x}", "label": label, "resource_type": "test", "parent": model}


def events(node: dict[str, Any], index: int, total: int, lines: int) -> Iterator[Event]:
    """Return what is told of one node: its start, its log and its end."""
    at, label = now(), node["label"]
    yield NodeStarted(invocation=1, **node, index=index, total=total, at=at)
    line = f"{index} of {total} OK {label} {'.' * 60} [OK in 0.10s]"
    for _ in range(lines):
        yield Log(invocation=1, level=Level.INFO, at=now(), message=line, unique_id=node["unique_id"])
    yield NodeFinished(
        invocation=1,
        **node,
        index=index,
        total=total,
        outcome=Outcome.SUCCESS,
        status="success",
        message="OK",
        queued_at=at,
        started_at=at,
        finished_at=now(),
        execution_s=0.1,
        thread="Thread-1",
        relation=f'"bench"."main"."{label}"',
        path=f"models/regions/{label}.sql",
    )


def manifest(size: int) -> Artifact:
    """Write a manifest of this size."""
    file = Path(os.environ["OUTPUT_DIR"]) / "dbt" / "manifest.json"
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("wb") as writer:
        for _ in range(size // len(CHUNK)):
            writer.write(CHUNK)
    return Artifact(name="manifest.json", file="dbt/manifest.json", bytes=file.stat().st_size)


def wait_at(gate: Path) -> None:
    """Let the bench look, until it has seen enough."""
    (gate / "all-in").touch()
    while not (gate / "go-on").exists():
        time.sleep(0.05)


def tell(event: Event) -> None:
    """Write a line at once, as the runner does."""
    sys.stdout.buffer.write(encode(event))
    sys.stdout.buffer.flush()


def now() -> datetime:
    """Return the time."""
    return datetime.now(timezone.utc)


if __name__ == "__main__":
    main()
