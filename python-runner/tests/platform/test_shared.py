"""Many requests in one process: each as in a process of its own, over one pool of connections."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from conftest import ROOT, Run
from fake_platform.client import FakePlatform
from on_platform import ENVIRONMENT, TOKEN, Scripted, request_of
from waiting import wait_until

from kestra_dbt.platform.shared.pace import Pace
from kestra_dbt.platform.shared.serving import EXIT, READY, _is_gone
from kestra_dbt.protocol import EVENT_PREFIX, EventAdapter, FailureCode, Outcome, PlatformRun, Secrets

LIMIT_S = 60.0


@dataclass
class Asking:
    """A request that is being carried out."""

    request: Path
    connection: socket.socket
    lines: list[bytes] = field(default_factory=list)

    def read(self) -> Run:
        """Read to the end, and return what became of it."""
        with self.connection, self.connection.makefile("rb") as answer:
            self.lines += list(answer)
        assert self.lines[-1].startswith(EXIT), self.lines
        texts = [line.decode() for line in self.lines[:-1]]
        events = [EventAdapter.validate_json(text[len(EVENT_PREFIX) :]) for text in texts]
        return Run(int(self.lines[-1][1:]), events, [], "", self.request.parent / "output")

    def stop(self, grace_s: float) -> None:
        """Ask for a stop, as the plugin does."""
        self.request.with_suffix(".stop").write_text(str(grace_s))


class Shared:
    """A process that carries out requests for others."""

    def __init__(self, folder: Path, platform: FakePlatform) -> None:
        self._folder = folder
        self._platform = platform
        self._count = 0
        self._path = folder / "shared.sock"
        first = self._write("jobs", {})
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kestra_dbt", "run", str(first)],
            env={
                **os.environ,
                **ENVIRONMENT,
                "KESTRA_DBT_SHARED": str(self._path),
                "PYTHONPATH": str(ROOT / "python-runner" / "src"),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert self.process.stdout is not None
        assert self.process.stdout.readline().decode().strip() == READY

    def _write(self, kind: str, fields: dict[str, Any]) -> Path:
        self._count += 1
        folder = self._folder / str(self._count)
        folder.mkdir()
        request = {"host": self._platform.url, "account_id": self._platform.account_id, **request_of(kind, fields)}
        (folder / "request.json").write_text(json.dumps({"version": "1.0", **request}))
        return folder / "request.json"

    def begin(self, kind: str, **fields: Any) -> Asking:  # noqa: ANN401 - of the request
        """Ask for something."""
        request = self._write(kind, fields)
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(LIMIT_S)
        connection.connect(str(self._path))
        secrets = Secrets(platform_token=self._platform.token).to_environment()
        asked = {"request": str(request), "output": str(request.parent / "output"), "secrets": secrets}
        connection.sendall(json.dumps(asked).encode() + b"\n")
        return Asking(request, connection)

    def memory_mb(self) -> float:
        """Return the memory that it has to itself."""
        rollup = Path(f"/proc/{self.process.pid}/smaps_rollup").read_text()
        return sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:")) / 1024


@pytest.fixture
def shared(tmp_path: Path, platform: FakePlatform) -> Iterator[Shared]:
    """Start one, and see that it ends with what has started it."""
    server = Shared(tmp_path, platform)
    yield server
    assert server.process.stdin is not None
    assert server.process.stdout is not None
    server.process.stdin.close()
    server.process.stdout.close()
    server.process.wait(LIMIT_S)


def trigger(shared: Shared, job_id: int, **more: Any) -> Asking:  # noqa: ANN401 - of the request
    """Ask for a run of a job."""
    return shared.begin("trigger", **{"job": {"id": job_id}, "token": f"{TOKEN}-{job_id}", **more})


def test_it_tells_the_same(platform: FakePlatform, shared: Shared, ask: Callable[..., Run]) -> None:
    """A run with its nodes, log and artifacts, as from a process of its own; a mistake in a request, too."""
    job_id = platform.add_job(["dbt build"])
    run = trigger(shared, job_id).read()
    assert (run.code, run.ended.outcome) == (0, Outcome.SUCCESS), run
    (started,) = platform.runs(job_id)
    own = ask("follow", run_id=started["id"])
    assert run.nodes == own.nodes
    assert run.artifacts == own.artifacts
    for name in ("manifest.json", "run_results.json"):
        assert run.artifact(name).read_bytes() == own.artifact(name).read_bytes()
    wrong = shared.begin("follow").read()
    assert (wrong.code, wrong.failure.code) == (2, FailureCode.REQUEST)


def test_many_wait_at_once(platform: FakePlatform, shared: Shared, scripted: Scripted) -> None:
    """A hundred runs, each started once, in the memory of a few processes, and looked at at once; a stop is for one."""
    platform.settings(run_slots=100)
    jobs = [scripted((3, 3600)) for _ in range(100)]
    before = shared.memory_mb()
    waits = [trigger(shared, job_id) for job_id in jobs]
    wait_until(lambda: len(platform.active()) == len(jobs))
    assert shared.memory_mb() - before < 60
    wait_until(lambda: any("pk__in" in one["query"] for one in platform.requests("GET", "/runs/")))
    waits[0].stop(10)
    stopped = waits[0].read()
    assert (stopped.code, stopped.of(PlatformRun)[-1].status) == (130, "cancelled")
    assert {run["job_id"] for run in platform.active()} == set(jobs[1:])
    for run in platform.active():
        platform.cancel(run["id"])
    ends = [wait.read() for wait in waits[1:]]
    assert {end.failure.code for end in ends} == {FailureCode.PLATFORM}
    assert len(platform.runs()) == len(jobs)


def test_the_pace_of_all_stays_below_the_limit_of_an_account() -> None:
    """A few calls are made at once; many get their times one after the other; another account has its own."""
    pace = Pace()
    url = httpx.URL("https://example.com/api/v2/accounts/1/runs/7/")
    waits = [pace.wait_s(url) for _ in range(501)]
    assert waits[0] == 0
    assert 9 < waits[-1] <= 10  # 50 a second, which is 3,000 a minute
    assert pace.wait_s(httpx.URL("https://example.com/api/v3/accounts/1/projects/")) > 9
    assert pace.wait_s(httpx.URL("https://example.com/api/v2/accounts/12/runs/")) == 0


def test_after_one_call_too_many_nobody_calls_the_account(
    platform: FakePlatform, shared: Shared, scripted: Scripted
) -> None:
    """For as long as the platform says; then all go on."""
    jobs = [scripted((3, 3600)) for _ in range(5)]
    waits = [trigger(shared, job_id) for job_id in jobs]
    wait_until(lambda: len(platform.active()) == len(jobs))
    platform.fault(method="GET", path=r"/runs/\d+/$", status=429, headers={"Retry-After": "5"})
    wait_until(lambda: refused_at(platform))
    (refused,) = refused_at(platform)

    def later() -> list[float]:
        """Return when calls came after it, but for those that were under way."""
        return [seconds for one in platform.requests() if (seconds := one["at"] - refused) > 2]

    wait_until(later)
    assert min(later()) > 4.9
    for run in platform.active():
        platform.cancel(run["id"])
    assert {wait.read().failure.code for wait in waits} == {FailureCode.PLATFORM}


def refused_at(platform: FakePlatform) -> list[float]:
    """Return when calls came that were refused as too many."""
    return [one["at"] for one in platform.requests() if one["answered"] == 429]


def test_an_account_that_has_had_enough_is_left_alone() -> None:
    """No other account is; and a shorter time does not end a longer one."""
    pace = Pace()
    url = httpx.URL("https://example.com/api/v2/accounts/1/runs/7/")
    pace.hold(url, 300)
    pace.hold(url, 10)
    assert pace.wait_s(url) > 290
    assert pace.wait_s(httpx.URL("https://example.com/api/v2/accounts/2/runs/7/")) == 0


def test_a_connection_that_was_just_closed_is_gone() -> None:
    """Looking after all requests goes on past one that ends at that moment."""
    ours, theirs = socket.socketpair()
    with theirs:
        assert not _is_gone(ours)
        ours.close()
        assert _is_gone(ours)


def test_a_call_that_hangs_is_interrupted(platform: FakePlatform, shared: Shared, scripted: Scripted) -> None:
    """By a stop, and by the end of the time; what was started is found and cancelled."""
    job_id = scripted((3, 3600))
    platform.fault(method="POST", path=f"/jobs/{job_id}/run/$", when="after", delay_s=30)
    hanging = trigger(shared, job_id)
    wait_until(lambda: platform.faults()[0]["met"])
    hanging.stop(10)
    assert hanging.read().code == 130
    other = scripted((3, 3600))
    overdue = trigger(shared, other, max_duration_s=1).read()
    assert "longer than `maxDuration` (1 s)" in overdue.failure.sentence
    assert platform.active() == []


def test_those_who_die_leave_their_runs(platform: FakePlatform, shared: Shared, scripted: Scripted) -> None:
    """A client that hangs up, and the process itself: the run goes on, and is adopted by the next one."""
    job_id = scripted((3, 3600))
    first = trigger(shared, job_id)
    wait_until(lambda: platform.requests("GET", "/runs/"))
    wait_until(platform.active)
    (run,) = platform.active()
    first.connection.close()
    wait_until(lambda: not threads_of(shared))
    second = trigger(shared, job_id)
    with second.connection.makefile("rb") as answer:
        assert any(f"Run {run['id']} is running and is adopted" in line.decode() for line in answer if _noted(line))
    assert [one["id"] for one in platform.runs(job_id)] == [run["id"]]
    second.connection.close()
    assert shared.process.stdin is not None
    shared.process.stdin.close()
    shared.process.wait(LIMIT_S)
    assert platform.active() == platform.runs(job_id)


def _noted(line: bytes) -> bool:
    return b'"kind":"log"' in line


def threads_of(shared: Shared) -> int:
    """Return how many requests it carries out: its threads but those that are always there."""
    return len(list(Path(f"/proc/{shared.process.pid}/task").iterdir())) - ALWAYS


ALWAYS = 4
"""The main thread, the pool, the one that looks after all, and the one that sees the parent's end."""
