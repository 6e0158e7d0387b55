"""What the tests share: a way to carry out a request as an orchestrator does, in a process of its own."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import warm

from kestra_dbt.protocol import (
    Artifact,
    Ended,
    Event,
    EventAdapter,
    Failure,
    Log,
    NodeFinished,
    Request,
    Secrets,
)
from kestra_dbt.protocol.wire import EVENT_PREFIX

pytest_plugins = ["fake_platform.fixture", "on_platform", "packed_shop", "warm_worker"]

ROOT = Path(__file__).parents[2]
PROJECTS = ROOT / "tests" / "projects"


@dataclass
class Run:
    """A run as an orchestrator sees it."""

    code: int
    events: list[Event]
    plain: list[str]
    stderr: str
    output: Path
    raw: bytes = field(repr=False, default=b"")

    def of(self, kind: type) -> list[Any]:
        """Return the events of one kind, in order."""
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def ended(self) -> Ended:
        """Return the last event, which has to be Ended."""
        assert isinstance(self.events[-1], Ended), self
        return self.events[-1]

    @property
    def failure(self) -> Failure:
        """Return the only failure."""
        (failure,) = self.of(Failure)
        return failure  # type: ignore[no-any-return]

    @property
    def nodes(self) -> dict[str, NodeFinished]:
        """Return the results by unique_id."""
        return {node.unique_id: node for node in self.of(NodeFinished)}

    def logs(self, unique_id: str | None = None) -> list[Log]:
        """Return the log lines of a node, or those of no node."""
        return [log for log in self.of(Log) if log.unique_id == unique_id]

    def artifact(self, name: str) -> Path:
        """Return the file that users find under ``name``."""
        file = [a.file for a in self.of(Artifact) if a.name == name][-1]
        return self.output / file

    @property
    def artifacts(self) -> set[str]:
        """Return the names of all artifacts."""
        return {artifact.name for artifact in self.of(Artifact)}


Runner = Callable[..., Run]


@pytest.fixture
def carry_out(tmp_path: Path) -> Runner:
    """Return a function that carries out a request in a copy-free working directory of its own."""

    def carry_out(
        request: Request | dict[str, Any],
        secrets: Secrets | None = None,
        *,
        folder: Path | None = None,
        env: dict[str, str] | None = None,
        python: str = sys.executable,
        during: Callable[[subprocess.Popen[bytes]], None] | None = None,
    ) -> Run:
        message = request if isinstance(request, dict) else request.model_dump(mode="json", exclude_defaults=True)
        message = {"version": "1.0", **({} if isinstance(request, dict) else {"kind": request.kind}), **message}
        request_file = tmp_path / "request.json"
        request_file.write_text(json.dumps(message))
        output = tmp_path / "output"
        arguments = ["run", str(request_file), "--output", str(output)]
        variables = {
            **os.environ,
            "PYTHONPATH": str(ROOT / "python-runner" / "src"),
            "KESTRA_DBT_SECRETS": (secrets or Secrets()).to_environment(),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
            **(env or {}),
        }
        if python == sys.executable and not (env or during):
            said = tmp_path / "stdout", tmp_path / "stderr"
            code = warm.run_program(arguments, folder or tmp_path, variables, *said)
            stdout, stderr = (file.read_bytes() for file in said)
        else:
            code, stdout, stderr = _run_cold(
                [python, "-m", "kestra_dbt", *arguments], folder or tmp_path, variables, during
            )
        lines = stdout.decode("utf-8").splitlines()  # strict: what reaches the orchestrator is always UTF-8
        events = [EventAdapter.validate_json(x[len(EVENT_PREFIX) :]) for x in lines if x.startswith(EVENT_PREFIX)]
        plain = [line for line in lines if not line.startswith(EVENT_PREFIX)]
        return Run(code, events, plain, stderr.decode("utf-8", "replace"), output, stdout)

    return carry_out


def _run_cold(
    command: list[str], folder: Path, env: dict[str, str], during: Callable[[subprocess.Popen[bytes]], None] | None
) -> tuple[int, bytes, bytes]:
    process = subprocess.Popen(command, cwd=folder, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if during:
        during(process)
    try:
        stdout, stderr = process.communicate(timeout=warm.LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise
    return process.returncode, stdout, stderr


@pytest.fixture
def project(tmp_path: Path) -> Callable[[str], Path]:
    """Return a function that copies a test project into a working directory, and returns that."""

    def project(name: str) -> Path:
        folder = tmp_path / "work"
        shutil.copytree(PROJECTS / name, folder, ignore=shutil.ignore_patterns("target", "logs", "*.duckdb"))
        return folder

    return project


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    """Write texts into a folder, by their paths in it, and return it."""
    for name, text in files.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return folder


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """Make a folder that is a disk of so much, as mount's options say it, until the block ends."""
    folder.mkdir()
    mount = ["/bin/mount", "-t", "tmpfs", "-o", size, "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("a small file system can't be mounted here: that takes root's rights")
    try:
        yield folder
    finally:
        subprocess.run(["/bin/umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def bare_python(tmp_path: Path) -> str:
    """Return an interpreter that has nothing installed."""
    venv.create(tmp_path / "bare", with_pip=False)
    return str(tmp_path / "bare" / "bin" / "python")


def duckdb_profile(name: str = "shop", threads: int = 4) -> str:
    """Return a profiles.yml for a DuckDB file in the working directory."""
    return json.dumps(
        {name: {"target": "dev", "outputs": {"dev": {"type": "duckdb", "path": "dev.duckdb", "threads": threads}}}}
    )
