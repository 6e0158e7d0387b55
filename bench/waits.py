"""What waiting for runs of the dbt platform costs: calls of its API, memory, and time after a run has finished.

The platform is the tests' fake; what is measured is the runner that the tasks start, one process a wait.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fake_platform.client import FakePlatform
from figures import Figure
from kestra_dbt.protocol import Following, JobReference, PlatformTrigger, Secrets

ROOT = Path(__file__).resolve().parent.parent
POLL_S = 10.0
LIMIT_S = 600.0
SHORT_S = 3.0
"""Seconds that a run takes whose end is looked at."""

Env = dict[str, str]


def measure(waits: int, rounds: int, env: Env) -> list[Figure]:
    """Return what one run costs that has nodes and artifacts, and what many cost that are waited for at once."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, FakePlatform.start(Path(folder) / "fake") as platform:
        work = Path(folder)
        return [*_after_the_end(platform, work, rounds, env), *_many(platform, work, waits, env)]


def _after_the_end(platform: FakePlatform, work: Path, rounds: int, env: Env) -> list[Figure]:
    platform.behave(platform.job_id, mode="recorded", step_s=SHORT_S)
    platform.wait(platform.trigger(), 10)  # dbt is run and recorded
    late: list[float] = []
    calls: list[float] = []
    for number in range(rounds):
        platform.forget_requests()
        runner = _runner(platform, platform.job_id, work / f"one-{number}", env, poll_s=1.0)
        code = runner.wait(LIMIT_S)
        ended = time.time()
        if code:
            raise RuntimeError((work / f"one-{number}" / "log").read_text())
        run = max(platform.runs(platform.job_id), key=lambda run: run["id"])
        late.append(ended - run["finished_at"])
        calls.append(len(platform.requests()))
    question = "A run with a build and its artifacts, looked at every second"
    return [
        Figure(question, "from the platform's finish to the end", late, "s"),
        Figure(question, "calls of the API", calls, ""),
    ]


def _many(platform: FakePlatform, work: Path, waits: int, env: Env) -> list[Figure]:
    platform.settings(run_slots=waits)
    jobs = [platform.add_job(["dbt build"], name=f"wait {number}") for number in range(waits)]
    for job in jobs:
        platform.script(job, (3, LIMIT_S), (10, 0))
    bare = subprocess.Popen(
        [sys.executable, "-c", "import httpx, pydantic, sys; print(flush=True); sys.stdin.read()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    if bare.stdout:  # as it is
        bare.stdout.readline()
    runners = [_runner(platform, job, work / f"many-{job}", env, poll_s=POLL_S) for job in jobs]
    try:
        _until(lambda: len(platform.active()) == waits)
        time.sleep(2 * POLL_S)  # all of them only wait now
        before, began = len(platform.requests()), time.monotonic()
        time.sleep(3 * POLL_S)
        calls = (len(platform.requests()) - before) / (time.monotonic() - began) * 60
        memory = sum(_memory_mb(runner.pid) for runner in runners)
        reference = _memory_mb(bare.pid)
    finally:
        for runner in [*runners, bare]:
            runner.kill()
            runner.wait()
    question = f"{waits} runs waited for at once, each looked at every {POLL_S:.0f} s"
    return [
        Figure(question, "calls of the API a minute, a run", [calls / waits], ""),
        Figure(question, "memory of all", [memory], "MB"),
        Figure(question, "memory of one to a bare httpx process", [memory / waits / reference], "x"),
    ]


def _runner(platform: FakePlatform, job_id: int, folder: Path, env: Env, poll_s: float) -> "subprocess.Popen[bytes]":
    folder.mkdir()
    request = PlatformTrigger(
        host=platform.url,
        account_id=platform.account_id,
        job=JobReference(id=job_id),
        token=f"kestra-bench-{folder.name}",
        following=Following(poll_s=poll_s),
    )
    message: dict[str, Any] = {"kind": request.kind, **json.loads(request.model_dump_json(exclude_defaults=True))}
    (folder / "request.json").write_text(json.dumps(message))
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "kestra_dbt", "run", "request.json", "--output", "out"],
            cwd=folder,
            env={**env, "KESTRA_DBT_SECRETS": Secrets(platform_token=platform.token).to_environment()},
            stdout=log,
            stderr=log,
        )


def _memory_mb(pid: int) -> float:
    """Return the memory of a process, with its share of what it has in common with others."""
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LIMIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("The runs did not all begin in time.")
        time.sleep(0.5)
