"""Recordings of real dbt runs, each made once, so that a hundred runs that are alike cost one."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
import threading
from concurrent.futures import Future, wait
from pathlib import Path

from pydantic import BaseModel

from fake_platform.records import PlannedStep
from fake_platform.workspace import Order, Stop, Workspace, digest

DEPS = "dbt deps"
PACKAGES = ("packages.yml", "dependencies.yml")


class RecordedStep(BaseModel):
    """A step, and how it ended."""

    succeeded: bool
    folder: str


class Recording(BaseModel):
    """A run as it went: the steps that were taken, and the folder in which it worked."""

    workspace: str
    steps: list[RecordedStep]


class Recordings:
    """A folder of recordings, which several servers may share and which is kept for as long as its owner likes."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._lock = threading.Lock()
        self._made: dict[str, Future[Recording]] = {}
        self._stop = Stop()
        self._lock_of_deps = threading.Lock()

    def of(self, order: Order, plan: tuple[PlannedStep, ...]) -> Future[Recording]:
        """Return the recording of a run, which is made now if there is none yet."""
        key = fingerprint(order, plan)
        with self._lock:
            if key not in self._made:
                future: Future[Recording] = Future()
                self._made[key] = future
                threading.Thread(target=self._make, args=(key, order, plan, future), daemon=True).start()
            return self._made[key]

    def close(self) -> None:
        """Stop what is being recorded, and wait for its processes to end."""
        self._stop.asked.set()
        wait(self._made.values())

    def _make(self, key: str, order: Order, plan: tuple[PlannedStep, ...], future: Future[Recording]) -> None:
        try:
            future.set_result(self._found(key) or self._record(key, order, plan))
        except Exception as error:  # noqa: BLE001 - whoever waits for the recording gets it
            future.set_exception(error)

    def _perform(self, workspace: Workspace, step: PlannedStep, folder: Path) -> bool:
        """Take a step. `dbt deps` of projects without packages does the same nothing for all: once is enough."""
        if step.command != DEPS or any((workspace.project / name).exists() for name in PACKAGES):
            return workspace.perform(step, folder, self._stop)
        kept = self._folder / "deps-of-no-packages"
        with self._lock_of_deps:
            if kept.exists():
                shutil.copytree(kept, folder)
                return True
            succeeded = workspace.perform(step, folder, self._stop)
            if succeeded and not self._stop.now:
                whole = shutil.copytree(folder, f"{folder}-kept")
                with contextlib.suppress(OSError):  # another server was quicker
                    Path(whole).rename(kept)
            return succeeded

    def _found(self, key: str) -> Recording | None:
        described = self._folder / f"{key}.json"
        return Recording.model_validate_json(described.read_bytes()) if described.exists() else None

    def _record(self, key: str, order: Order, plan: tuple[PlannedStep, ...]) -> Recording:
        """Run it. Its description comes last, and as a whole, so that another server sees all of it or nothing."""
        folder = Path(tempfile.mkdtemp(dir=self._folder, prefix="run-"))
        workspace = Workspace(folder / "workspace", order)
        steps: list[RecordedStep] = []
        for index, step in enumerate(plan, 1):
            succeeded = self._perform(workspace, step, folder / str(index))
            if self._stop.now:
                raise InterruptedError("The server was stopped while it recorded a run.")
            steps.append(RecordedStep(succeeded=succeeded, folder=str(folder / str(index))))
            if step.decides and not succeeded:
                break
        recording = Recording(workspace=str(workspace.root), steps=steps)
        (folder / "recording.json").write_text(recording.model_dump_json(), encoding="utf-8")
        shutil.move(folder / "recording.json", self._folder / f"{key}.json")
        return recording


def fingerprint(order: Order, plan: tuple[PlannedStep, ...]) -> str:
    """Return what equal runs have in common: files, settings and commands."""
    parts = [digest(Path(order.project)), order.model_dump(), [step.model_dump() for step in plan]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]
