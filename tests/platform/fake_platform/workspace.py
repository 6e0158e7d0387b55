"""The folder in which a run works: a clone of its project, a profile, a DuckDB warehouse; and its dbt."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from fake_platform.clock import now
from fake_platform.records import PlannedStep, Record

NOT_CLONED = shutil.ignore_patterns("target", "logs", "dbt_packages", "*.duckdb", "*.duckdb.wal", "__pycache__", ".git")
WAREHOUSE = "warehouse.duckdb"
BEGAN = "began"
"""An empty file beside a step's log, as old as the step."""
LOOK_EVERY_S = 0.1
STOP_LIMIT_S = 10.0
HIDDEN_FROM_DBT = "DBT_PLATFORM_TOKEN"


class Order(Record):
    """What a run starts from; two runs with equal orders and equal plans have equal results."""

    project: str
    profile_schema: str = "main"
    target: str = "default"
    threads: int = 4
    warehouse: str | None = None
    """A database to begin with, of an earlier run of the job."""
    retried: str | None = None
    """The artifacts of the step that failed, for `dbt retry`."""


@dataclass
class Stop:
    """Whether a run has to stop, and why. Set by whoever cancels, looked at by whoever carries the run out."""

    asked: threading.Event = field(default_factory=threading.Event)
    deadline: float | None = None

    @property
    def now(self) -> bool:
        """Whether it was cancelled, or its time is over."""
        return self.asked.is_set() or self.timed_out

    @property
    def timed_out(self) -> bool:
        """Whether its time is over."""
        return self.deadline is not None and now() > self.deadline

    def pause(self, seconds: float) -> None:
        """Wait, but not longer than until it has to stop."""
        until = now() + seconds
        while not self.now and now() < until:
            self.asked.wait(min(LOOK_EVERY_S, max(0.0, until - now())))


@dataclass(frozen=True)
class Workspace:
    """A folder for one run."""

    root: Path
    order: Order

    @property
    def project(self) -> Path:
        """The clone."""
        return self.root / "project"

    @property
    def warehouse(self) -> Path:
        """The DuckDB file; there once something was built."""
        return self.root / WAREHOUSE

    def perform(self, step: PlannedStep, folder: Path, stop: Stop) -> bool:
        """Take one step, with its log and its artifacts in `folder`, and return whether it ended well."""
        folder.mkdir(parents=True, exist_ok=True)
        if step.kind == "dbt":
            return self._dbt(step.command, folder, stop)
        told = self._clone() if step.kind == "clone" else self._write_profile()
        (folder / "log.txt").write_text(told, encoding="utf-8")
        return True

    def _clone(self) -> str:
        shutil.copytree(self.order.project, self.project, ignore=NOT_CLONED)
        if self.order.warehouse and Path(self.order.warehouse).exists():
            shutil.copy(self.order.warehouse, self.warehouse)
        if self.order.retried:
            shutil.copytree(self.order.retried, self.project / "target")
        return f"Cloned {Path(self.order.project).name}.\nChecked out {digest(self.project)}.\n"

    def _write_profile(self) -> str:
        name = yaml.safe_load((self.project / "dbt_project.yml").read_text(encoding="utf-8"))["profile"]
        output = {
            "type": "duckdb",
            "path": str(self.warehouse),
            "schema": self.order.profile_schema,
            "threads": self.order.threads,
        }
        profile = {name: {"target": self.order.target, "outputs": {self.order.target: output}}}
        (self.root / "profiles.yml").write_text(yaml.safe_dump(profile), encoding="utf-8")
        return f"Wrote the profile {name} with the target {self.order.target}.\n"

    def _dbt(self, command: str, folder: Path, stop: Stop) -> bool:
        """Run dbt as a program, its output growing in log.txt; keep a copy of its target folder in any case."""
        words = shlex.split(command)
        log = folder / "log.txt"
        if words[:1] != ["dbt"]:
            log.write_text(f"`{command}` is no dbt command.\n", encoding="utf-8")
            return False
        (folder / BEGAN).touch()
        with log.open("wb") as out:
            process = subprocess.Popen(
                [Path(sys.executable).parent / "dbt", *words[1:]],
                cwd=self.project,
                env=self._environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            succeeded = wait(process, stop) == 0
        if (target := self.project / "target").exists():
            shutil.copytree(target, folder / "artifacts")
        return succeeded and not stop.now

    def _environment(self, folder: Path) -> dict[str, str]:
        """Settings by variables, so that the command is what the job says, word for word."""
        inherited = {key: value for key, value in os.environ.items() if key != HIDDEN_FROM_DBT}
        return inherited | {
            "DBT_PROFILES_DIR": str(self.root),
            "DBT_LOG_PATH": str(folder),
            "DBT_USE_COLORS": "true",
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            "PYTHONUNBUFFERED": "1",
        }


def wait(process: subprocess.Popen[bytes], stop: Stop) -> int:
    """Wait for a process; when the run has to stop, interrupt it, and kill it if it goes on."""
    while not stop.now and process.poll() is None:
        stop.asked.wait(LOOK_EVERY_S)
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGINT)
    with contextlib.suppress(subprocess.TimeoutExpired):
        return process.wait(STOP_LIMIT_S)
    os.killpg(process.pid, signal.SIGKILL)
    return process.wait()


def wrote_results(folder: Path) -> bool:
    """Whether dbt wrote run_results.json in a step, or left the one that an earlier step had written."""
    results = folder / "artifacts" / "run_results.json"
    return results.exists() and results.stat().st_mtime_ns >= (folder / BEGAN).stat().st_mtime_ns


def digest(folder: Path) -> str:
    """Return what stands for the commit: a hash of a project's files."""
    hashed = hashlib.sha1(usedforsecurity=False)
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not NOT_CLONED("", list(path.relative_to(folder).parts)):
            hashed.update(str(path.relative_to(folder)).encode() + b"\0" + path.read_bytes())
    return hashed.hexdigest()
