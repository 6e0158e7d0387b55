"""A run on the platform, from its start to all that it leaves."""

import json
import subprocess
import time
import zipfile
from pathlib import Path
from typing import Any

from conftest import PROJECTS
from fake_platform.client import FakePlatform
from on_platform import TOKEN, Ask, files

from kestra_dbt.protocol import (
    FailureCode,
    InvocationFinished,
    InvocationStarted,
    Level,
    Link,
    Log,
    Outcome,
    PlatformRun,
)


def test_a_build_with_docs(platform: FakePlatform, trigger: Ask) -> None:
    """Each step is an invocation, its log comes line by line, its artifacts are byte for byte those of the platform."""
    job = platform.add_job(
        ["dbt build"], project_id=platform.add_project(PROJECTS / "broken/warning"), generate_docs=True
    )
    platform.behave(job, mode="recorded", step_s=1)
    arguments: list[bytes] = []

    def look(process: subprocess.Popen[bytes]) -> None:
        while not platform.requests("POST", "/run/"):
            time.sleep(0.02)
        arguments.append(Path(f"/proc/{process.pid}/cmdline").read_bytes())

    run = trigger(job, cause="Every morning", link="http://kestra/ui/1", compiled=True, debug=True, during=look)

    (known,) = platform.runs(job)
    assert known["cause"] == f"Every morning http://kestra/ui/1 {TOKEN}"
    assert (run.code, run.ended.outcome) == (0, Outcome.WARNING), run.stderr
    assert "not_null.name" in (run.ended.reason or "") or "1 of" in (run.ended.reason or "")
    last = run.of(PlatformRun)[-1]
    assert (last.id, last.status, last.ended) == (known["id"], "success", True)
    assert last.details["cause"] == known["cause"]
    assert {"run", "job", "docs", "step 1", "step 4"} <= {link.name for link in run.of(Link)}

    started = {event.invocation: event.command for event in run.of(InvocationStarted)}
    assert started == {1: "deps", 2: "build", 3: "docs generate"}
    assert [event.exit_code for event in run.of(InvocationFinished)] == [0, 0, 0]
    assert {node.invocation for node in run.nodes.values()} == {2}
    nodes = run.nodes
    assert nodes["model.warning.people"].outcome is Outcome.SUCCESS
    (warned,) = [node for node in nodes.values() if node.outcome is Outcome.WARNING]
    assert warned.parent == "model.warning.people"
    assert warned.query
    assert nodes["model.warning.after_people"].queued_at >= nodes["model.warning.people"].finished_at

    def artifact(path: str, step: int) -> bytes:
        with platform.api() as api:
            return api.get(f"/runs/{known['id']}/artifacts/{path}", params={"step": step}).raise_for_status().content

    for path in ("manifest.json", "run_results.json"):
        assert run.artifact(path if path != "manifest.json" else f"2-build/{path}").read_bytes() == artifact(path, 4)
    assert run.artifact("catalog.json").read_bytes() == artifact("catalog.json", 5)
    assert run.artifact("3-docs-generate/run_results.json").read_bytes() == artifact("run_results.json", 5)
    assert "Running with dbt" in run.artifact("2-build/dbt.log").read_text()
    assert "Step 4" in run.artifact("log.txt").read_text()
    with zipfile.ZipFile(run.artifact("target.zip")) as sql:
        assert any(name.endswith("people.sql") for name in sql.namelist())
    table = [json.loads(line) for line in run.artifact("nodes.ion").read_text().splitlines()]
    assert {row["unique_id"] for row in table} == set(nodes)

    told = [log.message for log in run.logs()]
    counted = [line for line in told if "of" in line and "START" in line]
    assert len(counted) == len(set(counted)) > 1
    assert not any("\x1b" in line for line in told)
    left = files(run.output.parent)
    everything = [run.raw, run.stderr.encode(), *arguments, *(left[name] for name in left if "platform/" not in name)]
    assert len(everything) > 10
    assert not any(platform.token.encode() in text for text in everything), "the token is nowhere"
    assert any("GET" in log.message and "/artifacts/" in log.message for log in run.logs()), "calls are told"


def test_a_build_that_fails(platform: FakePlatform, trigger: Ask) -> None:
    """The failed nodes are named, what the steps left is there; the next attempt resumes, one after it adopts."""
    job = platform.add_job(["dbt build"], project_id=platform.add_project(PROJECTS / "broken/failing_model"))
    first = trigger(job)
    assert (first.code, first.failure.code) == (1, FailureCode.NODES)
    assert "model boom" in first.failure.sentence
    assert first.artifact("run_results.json").is_file()
    failed_run = first.of(PlatformRun)[-1].id
    assert [event.exit_code for event in first.of(InvocationFinished)] == [0, 1]

    second = trigger(job, reported=[failed_run])
    resumed = second.of(PlatformRun)[-1]
    assert resumed.details["retry_of"] == failed_run
    assert second.failure.code is FailureCode.NODES

    third = trigger(job, reported=[failed_run])
    assert third.of(PlatformRun)[-1].id == resumed.id, "the retry, which bears no token, is adopted"
    assert any("adopted" in line.message for line in third.of(Log))
    assert len(platform.runs(job)) == 2

    fourth = trigger(job, reported=[failed_run, resumed.id], on_retry="restart")
    assert fourth.of(PlatformRun)[-1].details.get("retry_of") is None
    assert len(platform.runs(job)) == 3


def test_a_step_before_dbt_that_fails(platform: FakePlatform, trigger: Ask) -> None:
    """Where no node failed, the step and its last words are named."""
    job = platform.add_job(["dbt build --select nope --no-such-option"])
    run = trigger(job)
    assert run.failure.code is FailureCode.PLATFORM
    assert "--no-such-option" in run.failure.sentence
    assert run.failure.detail
    assert any(log.level is Level.ERROR for log in run.of(Log))


def test_a_selection_of_nothing(platform: FakePlatform, trigger: Ask) -> None:
    """It is a warning, as with dbt here."""
    project = platform.add_project(PROJECTS / "broken/warning")
    run = trigger(platform.add_job(["dbt build --select nope"], project_id=project))
    assert run.ended.outcome is Outcome.WARNING
    assert "`--select nope` selects nothing" in (run.ended.reason or "")


def test_overrides_and_names(platform: FakePlatform, ask: Ask) -> None:
    """The job is found by its names; what is to be different is sent, and nothing else."""
    job = platform.add_job(["dbt build"], name="nightly")
    platform.add_job(["dbt build"], name="nightly too")
    platform.script(job, (10, 0))
    overrides: dict[str, Any] = {"git_branch": "fix", "threads_override": 2, "steps_override": ["dbt run"]}
    reference = {"name": "nightly", "project": "shop", "environment": "Prod"}
    run = ask("trigger", job=reference, token=TOKEN, overrides=overrides, no_wait=True)
    assert run.code == 0, run.raw
    (known,) = platform.runs(job)
    sent = {name: value for name, value in known["request"].items() if value is not None}
    assert sent == {**overrides, "cause": f"Started by Kestra {TOKEN}"}
    unknown = ask("trigger", job={"name": "nightl"}, token=TOKEN)
    assert unknown.code == 2
    assert "nightly (902)" in unknown.failure.sentence
