"""What waiting for runs of the dbt platform costs: calls of its API, memory, and time after a run has finished.

The platform is the tests' fake; what is measured is the runner that the tasks start: a process a wait, and one for all.
"""

import json
import os
import selectors
import socket
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
LIMIT_S = 900.0
MOST_ALONE = 50
"""Waits in processes of their own: a thousand take 27 GB."""
ENDED = 50
"""Runs that end one after the other, to see how late their waits do."""
MEMORY = "memory of a wait"
CALLS = "calls of the API a minute, a run"
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
        Figure(question, "from the platform's finish to the end", late),
        Figure(question, "calls of the API", calls, ""),
    ]


def _many(platform: FakePlatform, work: Path, waits: int, env: Env) -> list[Figure]:
    alone = min(waits, MOST_ALONE)
    platform.settings(run_slots=waits)
    jobs = [platform.add_job(["dbt build"], name=f"wait {number}") for number in range(waits)]
    for job in jobs:
        platform.script(job, (3, LIMIT_S), (10, 0))
    question = (
        f"{waits:,} runs waited for at once in one process ({alone} in as many), each looked at every {POLL_S:.0f} s"
    )
    by_itself = _waiting(_Alone(platform, work, env), jobs[:alone])
    together = _Together(platform, work, env)
    shared = _waiting(together, jobs)
    figures = [Figure(question, f"a bare httpx process: {MEMORY}", [_bare_mb()], "MB")]
    for way, values, against in (
        ("its own process", by_itself, "a bare httpx process"),
        ("shared", shared, "its own process"),
    ):
        for what, value in values.items():
            compared = (f"{against}: {what}",) if way == "shared" or what == MEMORY else ()
            figures.append(Figure(question, f"{way}: {what}", [value], "MB" if what == MEMORY else "", compared))
    figures.append(Figure(question, "shared: memory of all", [shared[MEMORY] * waits], "MB"))
    figures.append(Figure(question, "shared: calls of the API a minute, of all", [shared[CALLS] * waits], ""))
    figures.append(Figure(question, "shared: from a run's end to that of its wait", together.late))
    return figures


def _bare_mb() -> float:
    command = [sys.executable, "-c", "import httpx, pydantic, sys; print(flush=True); sys.stdin.read()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as bare:
        if bare.stdout:  # as it is
            bare.stdout.readline()
        memory = _memory_mb(bare.pid)
        bare.kill()
    return memory


def _waiting(place: "_Alone | _Together", jobs: list[int]) -> dict[str, float]:
    """Return what a wait takes."""
    platform, waits = place.platform, len(jobs)
    before = len(platform.runs())
    try:
        for job in jobs:
            place.wait_for(job)
        _until(lambda: len(platform.runs()) == before + waits)
        time.sleep(6 * POLL_S)  # all of them only wait now, each as often as it will
        calls, began, cpu = len(platform.requests()), time.monotonic(), _cpu_s(place.pids)
        time.sleep(6 * POLL_S)
        seconds = time.monotonic() - began
        values = {
            CALLS: (len(platform.requests()) - calls) / seconds * 60 / waits,
            "thousandths of a core, a run": (_cpu_s(place.pids) - cpu) / seconds * 1000 / waits,
            MEMORY: sum(map(_memory_mb, place.pids)) / waits,
        }
        if isinstance(place, _Together):
            place.look_how_late(jobs[:: max(1, waits // ENDED)])
    finally:
        place.end()
        for run in platform.active():
            platform.cancel(run["id"])
    return values


class _Alone:
    """Each wait is a process, as with Kestra's task runner Process."""

    def __init__(self, platform: FakePlatform, work: Path, env: Env) -> None:
        self.platform, self._work, self._env = platform, work, env
        self._runners: list[subprocess.Popen[bytes]] = []

    @property
    def pids(self) -> list[int]:
        return [runner.pid for runner in self._runners]

    def wait_for(self, job: int) -> None:
        self._runners.append(_runner(self.platform, job, self._work / f"alone-{job}", self._env, poll_s=POLL_S))

    def end(self) -> None:
        for runner in self._runners:
            runner.kill()
            runner.wait()


class _Together:
    """One process carries out all of them, as with the task runner Warm."""

    def __init__(self, platform: FakePlatform, work: Path, env: Env) -> None:
        self.platform, self._work = platform, work
        self._path = work / "shared.sock"
        self._process = _runner(
            platform, 0, work / "together", {**env, "KESTRA_DBT_SHARED": str(self._path)}, poll_s=POLL_S
        )
        self._connections: dict[int, socket.socket] = {}
        self.late: list[float] = []
        """Seconds from the end of a run to that of its wait."""
        _until(self._path.exists)

    @property
    def pids(self) -> list[int]:
        return [self._process.pid]

    def wait_for(self, job: int) -> None:
        folder = self._work / f"together-{job}"
        request = _request(self.platform, job, folder, POLL_S)
        secrets = Secrets(platform_token=self.platform.token).to_environment()
        asked = {"request": str(request), "output": str(folder / "out"), "secrets": secrets}
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(str(self._path))
        connection.sendall(json.dumps(asked).encode() + b"\n")
        self._connections[job] = connection

    def look_how_late(self, jobs: list[int]) -> None:
        """End the runs of these jobs, at different moments, and see when their waits do."""
        runs = {job: self.platform.runs(job)[-1]["id"] for job in jobs}
        ended: dict[int, float] = {}
        with selectors.DefaultSelector() as selector:
            for job in jobs:
                selector.register(self._connections[job], selectors.EVENT_READ, job)
            while len(self.late) < len(jobs):
                if len(ended) < len(jobs):
                    job = jobs[len(ended)]
                    self.platform.cancel(runs[job])
                    ended[job] = time.monotonic()
                for key, _ in selector.select(timeout=0.37):
                    if not self._connections[key.data].recv(1 << 16):
                        selector.unregister(key.fileobj)
                        self.late.append(time.monotonic() - ended[key.data])

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for connection in self._connections.values():
            connection.close()


def _request(platform: FakePlatform, job_id: int, folder: Path, poll_s: float) -> Path:
    folder.mkdir()
    request = PlatformTrigger(
        host=platform.url,
        account_id=platform.account_id,
        job=JobReference(id=job_id),
        token=f"kestra-bench-{folder.name}",
        following=Following(poll_s=poll_s),
    )
    message: dict[str, Any] = {"kind": request.kind, **json.loads(request.model_dump_json(exclude_defaults=True))}
    file = folder / "request.json"
    file.write_text(json.dumps(message))
    return file


def _runner(platform: FakePlatform, job_id: int, folder: Path, env: Env, poll_s: float) -> "subprocess.Popen[bytes]":
    request = _request(platform, job_id, folder, poll_s)
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "kestra_dbt", "run", request.name, "--output", "out"],
            cwd=folder,
            env={**env, "KESTRA_DBT_SECRETS": Secrets(platform_token=platform.token).to_environment()},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
        )


def _cpu_s(pids: list[int]) -> float:
    """Return the seconds of CPU that processes have had."""
    ticks = 0
    for pid in pids:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


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
