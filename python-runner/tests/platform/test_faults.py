"""What goes wrong on the way, or on the platform: there is one run, never two, and the end is told as it is."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from conftest import PROJECTS
from fake_platform.client import FakePlatform
from on_platform import Ask, Scripted

from kestra_dbt.protocol import FailureCode, Level, Log, Outcome, PlatformRun

START = {"method": "POST", "path": "/run/$"}
LOOK = {"method": "GET", "path": r"/runs/\d+/$"}

FAULTS: dict[str, dict[str, Any]] = {
    "the answer to the start is lost": {**START, "when": "after", "reset": True},
    "a proxy answers after the start": {**START, "when": "after", "status": 502, "as_html": True},
    "the answer to the start takes too long": {**START, "when": "after", "delay_s": 7},
    "the start does not get through": {**START, "when": "before", "reset": True},
    "the start is refused for a while": {**START, "status": 429, "headers": {"Retry-After": "1"}},
    "polls fail": {**LOOK, "status": 503, "times": 4, "skip": 1},
    "polls are cut off": {**LOOK, "reset": True, "times": 2, "skip": 1},
    "polls get pages": {**LOOK, "status": 502, "as_html": True, "times": 2},
    "polls get half of an answer": {**LOOK, "cut_at": 40, "times": 2},
    "the status is one that nobody knows": {**LOOK, "set": {"status": 99}, "times": 2},
    "fields are null or of another kind": {
        **LOOK,
        "set": {"run_steps": None, "job": "?", "trigger": [], "duration": 10.5, "href": None, "can_retry": "so so"},
        "times": None,
    },
    "lists are shorter than they say": {"method": "GET", "path": "/runs/$", "page_limit": 1, "times": None},
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
def test_one_run_that_is_followed_to_its_end(
    platform: FakePlatform, trigger: Ask, scripted: Scripted, fault: dict[str, Any]
) -> None:
    """A fault that passes costs time, nothing else."""
    job = scripted()
    for _ in range(2):
        platform.trigger(job)
    platform.fault(**fault)
    run = trigger(job)
    ours = [one for one in platform.runs(job) if "kestra-" in one["cause"]]
    assert len(ours) == 1
    assert (run.code, run.ended.outcome) == (0, Outcome.SUCCESS), run.raw.decode()
    last = run.of(PlatformRun)[-1]
    assert (last.id, last.ended) == (ours[0]["id"], True)
    assert all(found["met"] for found in platform.faults())


def test_too_many_requests_without_a_word_for_how_long(
    platform: FakePlatform, trigger: Ask, scripted: Scripted
) -> None:
    """Without a word for how long, the cool-down is waited out: here, with short waits, in three seconds."""
    job = scripted((10, 0))
    platform.fault(**LOOK, status=429)
    run = trigger(job, env={"KESTRA_DBT_PLATFORM_PACE": "0.01"})
    assert run.ended.outcome is Outcome.SUCCESS
    assert any("tried again in 3 s" in log.message for log in run.of(Log))


def test_a_start_that_is_carried_out_twice(platform: FakePlatform, trigger: Ask, scripted: Scripted) -> None:
    """Should a lost start show up after it was sent again, the older run is followed and the younger cancelled."""
    job = scripted((3, 3), (10, 0))
    platform.fault(**START, when="after", reset=True)
    platform.fault(method="GET", path="/runs/$", skip=1, hide=1, times=2)
    run = trigger(job, poll_s=1, env={"KESTRA_DBT_PLATFORM_PACE": "0.000001"})
    older, younger = platform.runs(job)
    assert run.of(PlatformRun)[-1].id == older["id"]
    assert platform.wait(younger["id"], 30)["status"] == 30
    assert any(log.level is Level.WARN and "was started as well" in log.message for log in run.of(Log))


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("cancel_run", "was cancelled on the dbt platform, not by this task"),
        ("delete_run", "was deleted on the dbt platform"),
        ("revoke_token", "refuses the token (401)"),
    ],
)
def test_somebody_else_meddles(
    platform: FakePlatform, trigger: Ask, scripted: Scripted, action: str, words: str
) -> None:
    """What others do to the run, or to the token, is said at once."""
    job = scripted((3, 60), (10, 0))
    platform.fault(**LOOK, action=action, skip=1)
    run = trigger(job)
    assert (run.ended.outcome, run.failure.code) == (Outcome.FAILED, FailureCode.PLATFORM)
    assert words in run.failure.sentence
    assert len(platform.runs(job)) == 1


def test_artifacts_that_are_cut_off_or_missing(platform: FakePlatform, trigger: Ask) -> None:
    """A file that was cut off is fetched again; one that is missing makes a success a warning, never a failure."""
    project = platform.add_project(PROJECTS / "broken/warning")
    job = platform.add_job(["dbt build"], project_id=project)
    platform.settings(artifacts_delay_s=0.5, clock_skew_s=-86_400, durations_in_seconds=True)
    platform.fault(path="artifacts/manifest.json", cut_at=1_000, times=2)
    platform.fault(path="artifacts/run_results.json", status=404, times=None)
    run = trigger(job)
    assert run.ended.outcome is Outcome.WARNING
    assert "left no run_results.json on the platform" in (run.ended.reason or "")
    assert run.artifact("manifest.json").read_bytes().endswith(b"}")
    assert not list(run.output.rglob("*.part"))
    assert all(found["met"] for found in platform.faults())


def test_a_manifest_of_another_size_and_many_files(platform: FakePlatform, trigger: Ask) -> None:
    """Thousands of artifacts and a long manifest are a matter of time, not of memory."""
    project = platform.add_project(PROJECTS / "broken/warning")
    job = platform.add_job(["dbt build"], project_id=project)
    platform.behave(job, mode="recorded", manifest_bytes=20_000_000, extra_artifacts=500)
    run = trigger(job)
    assert run.code == 0, run.raw[-2000:]
    assert run.artifact("manifest.json").stat().st_size == 20_000_000
    assert run.nodes


class _Elsewhere(BaseHTTPRequestHandler):
    """Something that is not the platform: it sends to another host."""

    seen: list[str | None] = []  # noqa: RUF012 - the test empties it

    def do_GET(self) -> None:
        """Redirect, and note whether a token came."""
        self.seen.append(self.headers.get("Authorization"))
        self.send_response(302)
        self.send_header("Location", f"http://localhost:{self.server.server_address[1]}/login")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Yield the address of a server that is not the platform."""
    _Elsewhere.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def test_a_host_that_sends_elsewhere(elsewhere: str, ask: Ask) -> None:
    """The token follows no redirect to another host."""
    run = ask("follow", host=elsewhere, run_id=1)
    assert run.code == 2
    assert "sends elsewhere, to http://localhost:" in run.failure.sentence
    assert len(_Elsewhere.seen) == 1


def test_a_host_that_does_not_answer(ask: Ask) -> None:
    """Before the platform has ever answered, it is not waited for: the host may be wrong."""
    run = ask("follow", host="http://127.0.0.1:9", run_id=1, env={"KESTRA_DBT_PLATFORM_PACE": "0.001"})
    assert (run.code, run.failure.code) == (2, FailureCode.PLATFORM)
    assert "5 times in a row" in run.failure.sentence
    assert "Check `host`" in run.failure.sentence
