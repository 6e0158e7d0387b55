"""The artifacts of runs: files of dbt's target folder, and large or many ones that are made up while they are sent."""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fake_platform.records import Behaviour, RunRecord, StepRecord
from fake_platform.store import Store

CHUNK = 1 << 16
NODE_SIZE = 4000
EXTRA = "compiled/generated/model_{:05}.sql"


@dataclass(frozen=True)
class Artifact:
    """A file to send: its size, and its bytes as they are read or made."""

    name: str
    size: int
    chunks: Iterator[bytes]


def names(store: Store, run: RunRecord) -> list[str]:
    """All artifacts of a run's last dbt step, by their paths below target/."""
    step = step_with_artifacts(store, run, None)
    if step is None:
        return []
    root = artifacts_folder(step)
    found = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
    found |= {EXTRA.format(number) for number in range(run.behaviour.extra_artifacts)}
    return sorted(found | ({"manifest.json"} if run.behaviour.manifest_bytes else set()))


def find(store: Store, run: RunRecord, name: str, index: int | None) -> Artifact | None:
    """Find one file of a step, or of the last step that has files; None if there is no such file."""
    step = step_with_artifacts(store, run, index)
    if step is None or ".." in PurePosixPath(name).parts or name.startswith("/"):
        return None
    if generated := generated_artifact(run.behaviour, name):
        return generated
    path = artifacts_folder(step) / name
    return Artifact(name, path.stat().st_size, read(path)) if path.is_file() else None


def step_with_artifacts(store: Store, run: RunRecord, index: int | None) -> StepRecord | None:
    """The step that is asked for, or the last one that has artifacts; none before the run has saved them."""
    if not run.artifacts_saved:
        return None
    steps = [step for step in store.steps_of(run) if step.finished_at and artifacts_folder(step).is_dir()]
    return next((step for step in reversed(steps) if index in (None, step.index)), None)


def artifacts_folder(step: StepRecord) -> Path:
    """Where the files of a step are."""
    return Path(step.folder) / "artifacts"


def generated_artifact(behaviour: Behaviour, name: str) -> Artifact | None:
    """Make up a file that the job's behaviour asks for."""
    if name == "manifest.json" and behaviour.manifest_bytes:
        return Artifact(name, behaviour.manifest_bytes, manifest(behaviour.manifest_bytes))
    number = re.fullmatch(re.escape(EXTRA).replace(re.escape("{:05}"), r"(\d{5})"), name)
    if number and int(number[1]) < behaviour.extra_artifacts:
        content = f"select {int(number[1])} as id\n".encode()
        return Artifact(name, len(content), iter([content]))
    return None


def manifest(size: int) -> Iterator[bytes]:
    """Make a manifest of exactly `size` bytes, the same each time, a node at a time."""
    metadata = {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "adapter_type": "duckdb"}
    begin = f'{{"metadata": {json.dumps(metadata)}, "nodes": {{'.encode()
    end = b'}, "sources": {}, "macros": {}, "exposures": {}, "parent_map": {}, "child_map": {}}'
    left = size - len(begin) - len(end)
    yield begin
    for number in itertools.count():
        unique_id = f"model.shop.generated_{number:07}"
        node = {"unique_id": unique_id, "resource_type": "model", "name": unique_id[11:], "raw_code": "x" * NODE_SIZE}
        entry = f"{', ' if number else ''}{json.dumps(unique_id)}: {json.dumps(node)}".encode()
        if len(entry) > left:
            break
        yield entry
        left -= len(entry)
    yield b" " * left + end


def read(path: Path) -> Iterator[bytes]:
    """Read a file a piece at a time."""
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            yield chunk
