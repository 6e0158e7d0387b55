"""Attempts that die in the middle, and those that come after them: still one run, and its end is reported once."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import PROJECTS
from fake_platform.client import FakePlatform
from on_platform import Ask, Scripted

from kestra_dbt.protocol import FailureCode, InvocationFinished, Log, Outcome, PlatformRun

Process = subprocess.Popen[bytes]
When = Callable[[FakePlatform, Process], None]


def once_asked(method: str, path: str, times: int = 1) -> When:
    """Return what waits until the platform was asked for this so often."""

    def wait(platform: FakePlatform, process: Process) -> None:
        until = time.monotonic() + 60
        while len(platform.requests(method, path)) < times:
            assert process.poll() is None, "it ended before it could be killed"
            assert time.monotonic() < until
            time.sleep(0.01)

    return wait


STAGES = {
    "before the start": once_asked("GET", "/runs/"),
    "while the answer to the start is under way": once_asked("POST", "/run/"),
    "at the first looks": once_asked("GET", "/runs/1", 2),
    "while artifacts are brought": once_asked("GET", "/artifacts/manifest.json"),
}


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES.keys())
def test_a_runner_that_is_killed(platform: FakePlatform, trigger: Ask, stage: When) -> None:
    """Killed hard at any stage, then done again as after a crash of the worker: one run, with all that it left."""
    job = platform.add_job(["dbt build"], project_id=platform.add_project(PROJECTS / "broken/warning"))
    platform.fault(method="POST", path="/run/$", delay_s=1, when="after")
    platform.fault(path="artifacts/manifest.json", delay_s=1)

    def kill(process: Process) -> None:
        stage(platform, process)
        process.kill()

    killed = trigger(job, during=kill)
    assert killed.code == -signal.SIGKILL
    run = trigger(job)
    (known,) = platform.runs(job)
    assert run.of(PlatformRun)[-1].id == known["id"]
    assert run.ended.outcome is Outcome.WARNING, run.failure
    assert run.nodes["model.warning.people"].outcome is Outcome.SUCCESS
    assert run.artifact("manifest.json").is_file()


def ask_to_stop(process: Process) -> None:
    """Write the file that asks a runner to stop within 20 s."""
    assert isinstance(process.args, list)
    request = next(Path(str(word)) for word in process.args if str(word).endswith("request.json"))
    request.with_suffix(".stop").write_text("20")


def stop_reading(process: Process) -> None:
    """Close the pipe that a runner writes to, as a worker that dies does."""
    assert process.stdout
    process.stdout.close()
    process.stdout = Path(os.devnull).open("rb")  # noqa: SIM115 - closed by who waits for the process


@pytest.mark.parametrize(
    "give_up",
    [
        (ask_to_stop, {}, 130),
        (subprocess.Popen.terminate, {}, 130),
        (lambda _: None, {"max_duration_s": 2}, 1),
    ],
    ids=["stop file", "SIGTERM", "overdue"],
)
def test_a_wait_that_is_given_up(
    platform: FakePlatform, trigger: Ask, scripted: Scripted, give_up: tuple[Any, Any, int]
) -> None:
    """The run is cancelled, and seen to be."""
    act, more, code = give_up
    job = scripted((1 if more else 3, 60), (10, 0))  # one that is still queued has not even a start
    platform.settings(cancel_s=0.5)

    def during(process: Process) -> None:
        once_asked("GET", "/runs/1", 2)(platform, process)
        act(process)

    run = trigger(job, during=during, **more)
    assert not platform.active()
    assert run.code == code
    assert run.failure.code is (FailureCode.KILLED if run.code > 1 else FailureCode.PLATFORM)
    assert "was cancelled on the dbt platform within" in run.failure.sentence
    assert (run.of(PlatformRun)[-1].status, run.of(PlatformRun)[-1].ended) == ("cancelled", True)


def test_a_stop_while_the_answer_to_the_start_is_under_way(
    platform: FakePlatform, trigger: Ask, scripted: Scripted
) -> None:
    """The run, of which nothing was heard, is found and cancelled."""
    job = scripted((3, 60), (10, 0))
    platform.fault(method="POST", path="/run/$", delay_s=4, when="after")

    def during(process: Process) -> None:
        once_asked("POST", "/run/")(platform, process)
        ask_to_stop(process)

    run = trigger(job, during=during)
    assert [one["status"] for one in platform.runs(job)] == [30]
    assert run.code == 130
    assert "was cancelled on the dbt platform within" in run.failure.sentence


@pytest.mark.parametrize(
    ("give_up", "more"), [(ask_to_stop, {"on_kill": "leave"}), (stop_reading, {})], ids=["leave", "nobody reads"]
)
def test_a_run_that_is_left(
    platform: FakePlatform, trigger: Ask, scripted: Scripted, give_up: Callable[[Process], None], more: dict[str, Any]
) -> None:
    """It goes on where that is wanted, or nobody hears of it any more: the next attempt adopts it."""
    job = scripted((3, 5), (10, 0))

    def during(process: Process) -> None:
        once_asked("GET", "/runs/1", 2)(platform, process)
        give_up(process)

    run = trigger(job, during=during, **more)
    assert run.code == 130
    assert not platform.requests("POST", "/cancel/")
    if run.events:
        assert "goes on, on the dbt platform" in run.failure.sentence
        assert run.of(PlatformRun)[-1].ended is False
    assert trigger(job).ended.outcome is Outcome.SUCCESS
    assert len(platform.runs(job)) == 1


def test_a_cancellation_that_takes_too_long(platform: FakePlatform, trigger: Ask, scripted: Scripted) -> None:
    """What could not be done within the grace is said."""
    job = scripted((3, 60), (10, 0))
    platform.settings(cancel_s=4)
    run = trigger(job, max_duration_s=1.5)
    assert "is still running after 1 s: look at it on the dbt platform" in run.failure.sentence
    assert run.of(PlatformRun)[-1].ended is False


def test_a_deadline_in_an_outage(platform: FakePlatform, trigger: Ask, scripted: Scripted) -> None:
    """Polls go on through an outage until the user's limit, and then the run is not forgotten silently."""
    job = scripted((3, 60), (10, 0))
    platform.fault(method="GET", path=r"/runs/\d+/$", status=503, times=None, skip=1)
    run = trigger(job, max_duration_s=2)
    assert run.failure.code is FailureCode.PLATFORM
    assert "It took longer than `maxDuration` (2 s)" in run.failure.sentence
    assert any("cannot be asked for Run" in log.message for log in run.of(Log))


def test_a_stop_while_artifacts_are_brought(platform: FakePlatform, trigger: Ask) -> None:
    """The run has ended; what is missing is brought within the grace, and nothing is told twice."""
    job = platform.add_job(["dbt build"], project_id=platform.add_project(PROJECTS / "broken/warning"))
    platform.fault(path="artifacts/run_results.json", delay_s=2)

    def during(process: Process) -> None:
        once_asked("GET", "/artifacts/run_results.json")(platform, process)
        ask_to_stop(process)

    run = trigger(job, during=during)
    assert (run.code, run.ended.summary.nodes) == (130, 3)
    assert "had ended before it could be cancelled: success" in run.failure.sentence
    assert not platform.requests("POST", "/cancel/")
    finished = [event.invocation for event in run.of(InvocationFinished)]
    assert finished == [1, 2]
    assert run.artifact("run_results.json").is_file()
