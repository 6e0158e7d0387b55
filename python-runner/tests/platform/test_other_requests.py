"""What else is asked of the platform: to look, to retry, to cancel, to bring artifacts, to list."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import PROJECTS, Run
from fake_platform.client import FakePlatform
from on_platform import Ask, Scripted

from kestra_dbt.protocol import Artifact, FailureCode, Link, Log, Outcome, PlatformRun

WARNING = PROJECTS / "broken/warning"


def rows(run: Run, name: str) -> list[dict[str, Any]]:
    """Return the rows of a table; each line is JSON."""
    found = [json.loads(line) for line in run.artifact(name).read_text().splitlines()]
    (count,) = [artifact.rows for artifact in run.of(Artifact) if artifact.name == name]
    assert count == len(found)
    return found


def test_looking_and_following(platform: FakePlatform, ask: Ask, scripted: Scripted) -> None:
    """A look tells how a run is; following one that goes on leaves it alone when it is given up."""
    job = scripted((1, 0.2), (2, 0.2), (3, 60), (10, 0))
    run_id = platform.trigger(job)
    platform.wait(run_id, 3)
    look = ask("follow", run_id=run_id, no_wait=True)
    assert (look.code, look.ended.outcome) == (0, Outcome.SUCCESS)
    (told,) = look.of(PlatformRun)
    assert (told.status, told.ended, told.details["job_id"]) == ("running", False, job)
    assert {link.name for link in look.of(Link)} >= {"run", "job"}
    given_up = ask("follow", run_id=run_id, max_duration_s=1)
    assert "goes on, on the dbt platform" in given_up.failure.sentence
    cancelled = ask("cancel", run_id=run_id)
    assert (cancelled.code, cancelled.of(PlatformRun)[-1].status) == (0, "cancelled")
    again = ask("cancel", run_id=run_id)
    assert again.code == 0
    assert any("has ended already: cancelled" in log.message for log in again.of(Log))
    assert len(platform.requests("POST", "/cancel/")) == 1
    followed = ask("follow", run_id=run_id)
    assert (followed.code, followed.failure.code) == (1, FailureCode.PLATFORM)


def test_the_latest_success(platform: FakePlatform, ask: Ask, scripted: Scripted) -> None:
    """Of a job or of an environment, whoever started it; none is said. What ended badly may be a warning."""
    job = scripted((10, 0))
    nothing = ask("follow", job_id=job)
    assert nothing.failure.sentence == f"The job {job} has no successful run that the token may see."
    good = platform.trigger(job)
    platform.wait(good, 10)
    platform.script(job, (20, 0))
    bad = platform.trigger(job)
    platform.wait(bad, 20)
    assert ask("follow", job_id=job).of(PlatformRun)[-1].id == good
    assert ask("follow", environment_id=platform.environment_id, no_wait=True).of(PlatformRun)[-1].id == good
    tolerant = ask("follow", run_id=bad, tolerant=True)
    assert (tolerant.code, tolerant.ended.outcome, tolerant.of(PlatformRun)[-1].id) == (0, Outcome.WARNING, bad)
    assert tolerant.ended.reason.startswith(f"Run {bad} failed on the dbt platform")
    platform.script(job, (3, 60))
    given_up = ask("follow", run_id=platform.trigger(job), tolerant=True, max_duration_s=1)
    assert given_up.ended.outcome is Outcome.FAILED
    several = ask("follow", run_id=bad, job_id=job)
    assert "one of run_id, job_id and environment_id has to be set" in several.failure.sentence


def test_retrying(platform: FakePlatform, ask: Ask, scripted: Scripted, project: Callable[[str], Path]) -> None:
    """A failed run is retried once, however often that is asked for, and ends well once it can; a success never."""
    folder = project("broken/failing_model")
    job = platform.add_job(["dbt build"], project_id=platform.add_project(folder))
    failed = platform.trigger(job)
    platform.wait(failed)
    platform.fault(method="POST", path="/retry/$", when="after", reset=True)
    first = ask("retry", run_id=failed)
    retry = first.of(PlatformRun)[-1]
    assert (retry.details["retry_of"], first.failure.code) == (failed, FailureCode.NODES)
    assert len(platform.runs(job)) == 2
    same = ask("retry", run_id=failed, no_wait=True)
    assert same.of(PlatformRun)[-1].id == retry.id
    assert len(platform.runs(job)) == 2
    (folder / "models" / "boom.sql").write_text("select 1 as id")
    mended = ask("retry", run_id=retry.id)
    assert (mended.code, mended.of(PlatformRun)[-1].status) == (0, "success")
    assert {node.label for node in mended.nodes.values()} == {"boom", "after_boom"}
    done = platform.trigger(scripted((10, 0)))
    platform.wait(done, 10)
    refused = ask("retry", run_id=done)
    assert refused.code == 2
    assert f"Run {done} (success) cannot be retried: it did not fail." in refused.failure.sentence


def test_artifacts(platform: FakePlatform, ask: Ask) -> None:
    """By name or pattern, of a run or of a job's latest, as a step left them."""
    project = platform.add_project(WARNING)
    job = platform.add_job(["dbt build"], project_id=project, generate_docs=True)
    run_id = platform.trigger(job)
    platform.wait(run_id)
    usual = ask("artifacts", job={"id": job})
    assert usual.artifacts >= {"manifest.json", "run_results.json", "catalog.json", "index.html"}
    assert usual.of(PlatformRun)[-1].id == run_id
    of_build = ask("artifacts", run_id=run_id, step="dbt build", patterns=["*_results.json", "compiled/**/*.sql"])
    assert json.loads(of_build.artifact("run_results.json").read_text())["args"]["which"] == "build"
    assert any(name.startswith("compiled/warning/models/") for name in of_build.artifacts)
    assert "catalog.json" not in of_build.artifacts
    nothing = ask("artifacts", run_id=run_id, patterns=["*.parquet"])
    assert (nothing.code, nothing.ended.outcome) == (0, Outcome.WARNING)
    assert "There are no artifacts that match *.parquet" in (nothing.ended.reason or "")
    wrong = ask("artifacts", run_id=run_id, step="dbt")
    assert "which means 3 steps" in wrong.failure.sentence


def test_lists(platform: FakePlatform, ask: Ask, scripted: Scripted) -> None:
    """Tables that people can read, whole however the pages come."""
    platform.settings(large_ids=True)
    job, other = scripted((10, 0)), scripted((20, 0))
    ids = [platform.trigger(job) for _ in range(3)]
    failed = platform.trigger(other)
    for run_id in (*ids, failed):
        platform.wait(run_id, 10, 20)
    platform.fault(method="GET", path="/runs/$", page_limit=2, times=None)
    assert [row["id"] for row in rows(ask("runs", limit=None), "runs.ion")] == [failed, *ids[::-1]]
    platform.clear_faults()
    platform.fault(method="GET", path="/runs/$", page_limit=2)
    platform.fault(method="GET", path="/runs/$", hide=2, times=None)
    assert [row["id"] for row in rows(ask("runs", limit=None), "runs.ion")][:2] == [failed, ids[2]]
    platform.clear_faults()
    failures = rows(ask("runs", statuses=["error"], project="shop", environment="Prod"), "runs.ion")
    assert [(row["id"], row["status"], row["job"]) for row in failures] == [(failed, "error", "build")]
    assert failures[0]["url"].startswith("http")
    finished = {run["id"]: run for run in rows(ask("runs", job={"id": job}), "runs.ion")}
    since = ask("runs", job={"id": job}, finished_after=finished[ids[1]]["finished_at"], limit=1)
    assert [row["id"] for row in rows(since, "runs.ion")] == [ids[1]]
    jobs = rows(ask("jobs", name="BUILD", project=str(platform.project_id)), "jobs.ion")
    assert {row["id"] for row in jobs} >= {job, other}
    assert {row["project"] for row in jobs} == {"shop"}
    assert next(row for row in jobs if row["id"] == other)["last_run_status"] == "error"
    wrong = ask("runs", finished_after="yesterday")
    assert (wrong.code, wrong.failure.code) == (2, FailureCode.REQUEST)


def test_logs_that_runs_do_not_have(platform: FakePlatform, ask: Ask) -> None:
    """Where the list of steps has no logs, each step is asked for its own."""
    run_id = platform.trigger(platform.add_job(["dbt build"], project_id=platform.add_project(WARNING)))
    platform.wait(run_id)
    with platform.api() as api:
        steps = api.get(f"/runs/{run_id}/", params={"include_related": '["run_steps"]'}).json()["data"]["run_steps"]
    bare = [{**step, "logs": None, "debug_logs": None, "truncated_debug_logs": None} for step in steps]
    platform.fault(method="GET", path=rf"/runs/{run_id}/$", set={"run_steps": bare}, times=None)
    run = ask("follow", run_id=run_id)
    assert sum("Running with dbt=" in log.message for log in run.of(Log)) == 2
    assert len(platform.requests("GET", "/steps/")) == len(steps)
    assert len(run.nodes) == 3
