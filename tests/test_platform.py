"""Jobs of the dbt platform, from flows: over HTTP, against a fake of it that really runs dbt."""

import os
import signal
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from client import Engine, Result
from conftest import BLUEPRINTS, KESTRA_URL, PROJECTS, SECRETS, environment
from fake_platform.client import FakePlatform
from waiting import wait_until as wait_a_minute

SUCCESS, ERROR, CANCELLED = 10, 20, 30

wait_until = partial(wait_a_minute, limit_s=90)

CONNECTION = """\
accountId: "{account}"
token: "{{{{ secret('DBT_TOKEN') }}}}"
"""


def tasks(platform: FakePlatform, *bodies: str) -> str:
    """Return a flow with these tasks, each with the connection to the fake."""
    return "id: platform\nnamespace: company.tests\ntasks:\n" + "".join(one(platform, body) for body in bodies)


def one(platform: FakePlatform, body: str) -> str:
    """Return an item of a list of tasks or triggers, with the connection to the fake."""
    body = textwrap.dedent(body).strip()
    host = "" if "baseUrl" in body else f"host: {platform.url}\n"
    connected = f"{body}\n{host}{CONNECTION.format(account=platform.account_id)}"
    return "  - " + textwrap.indent(connected, "    ").lstrip()


def test_a_job_is_run_and_looked_at(engine: Engine, platform: FakePlatform, tmp_path: Path) -> None:
    """Started once although the reply is lost, followed to its end, looked at, listed; the token is nowhere."""
    job_id = platform.add_job(["dbt build"], name="Shop at night")
    platform.fault(method="POST", path="/run/$", when="after", reset=True)
    flow = tasks(
        platform,
        """
        id: trigger
        type: io.kestradbt.platform.TriggerRun
        jobName: Shop at night
        project: shop
        environment: Prod
        cause: Every night
        pollFrequency: PT0.2S
        """,
        """
        id: former
        type: io.kestra.plugin.dbt.cloud.CheckStatus
        baseUrl: URL
        runId: "{{ outputs.trigger.runId }}"
        pollFrequency: PT0.2S
        parseRunResults: false
        maxRetries: 3
        """.replace("URL", platform.url),
        f"""
        id: artifacts
        type: io.kestradbt.platform.Artifacts
        jobId: "{job_id}"
        step: dbt build
        patterns: [manifest.json, "compiled/**/stg_orders.sql"]
        """,
        """
        id: jobs
        type: io.kestradbt.platform.ListJobs
        name: shop at
        """,
        """
        id: runs
        type: io.kestradbt.platform.ListRuns
        jobName: Shop at night
        statuses: [SUCCESS, ERROR]
        """,
    )
    result = engine.run(flow, tmp_path / "out", timeout=240)
    assert result.state in ("SUCCESS", "WARNING"), result.log_text

    (run,) = platform.runs(job_id)
    outputs = result.outputs("trigger")
    assert outputs["runId"] == run["id"]
    assert outputs["run"]["status"] == "success"
    assert outputs["links"]["run"].endswith(f"/runs/{run['id']}/")
    assert run["cause"].startswith("Every night")
    assert f"{KESTRA_URL}/ui/main/executions/company.tests/platform/{result.execution_id}" in run["cause"]
    assert {"manifest.json", "run_results.json", "nodes.ion", "summary.md", "report.html"} <= set(outputs["artifacts"])
    assert outputs["summary"]["nodes"] > 3
    parents = {result.task_run("trigger")["id"]: "trigger", result.task_run("former")["id"]: "former"}
    nodes = [one for one in result.task_runs if (one.get("value") or "").startswith("model.")]
    assert {parents[one["parentTaskRunId"]] for one in nodes} == {"trigger", "former"}

    former = result.outputs("former")
    assert former["run"]["status"] == "Success"
    assert former["run"]["jobName"] == "Shop at night"
    assert former["manifest"] == former["artifacts"]["manifest.json"]
    assert former["runResults"] == former["artifacts"]["run_results.json"]
    assert former["runUrl"] == former["links"]["run"]
    assert "`maxRetries` and `initialDelayMs` have no meaning any more" in result.log_text
    kept = result.files["artifacts/manifest.json"].read_bytes()
    assert kept == result.files["trigger/manifest.json"].read_bytes()
    assert any(name.endswith("stg_orders.sql") for name in result.outputs("artifacts")["artifacts"])
    assert result.outputs("jobs")["count"] == 1
    assert result.outputs("runs")["count"] == 1
    assert_no_token(result)

    inputs = {"host": platform.url, "account_id": str(platform.account_id), "job": "Shop at night"}
    result = engine.run(BLUEPRINTS / "dbt-platform-job.yaml", tmp_path / "blueprint", inputs=inputs, timeout=120)
    assert result.ok, result.log_text
    assert result.execution["outputs"]["page"] == result.outputs("run")["links"]["run"]


def assert_no_token(result: Result) -> None:
    """Assert that the token is in no log, output or file of an execution."""
    for file in [file for file in result.out.rglob("*") if file.is_file()]:
        assert SECRETS["DBT_TOKEN"].encode() not in file.read_bytes(), file


@pytest.mark.by_turns
def test_a_retry_goes_on_from_the_failure(engine: Engine, platform: FakePlatform, tmp_path: Path) -> None:
    """A second attempt retries the run that failed; another task, that one; and all that each left is there."""
    job_id = platform.add_job(["dbt build"], project_id=platform.add_project(PROJECTS / "broken/failing_model"))
    flow = tasks(
        platform,
        f"""
        id: trigger
        type: io.kestradbt.platform.TriggerRun
        jobId: "{job_id}"
        pollFrequency: PT0.2S
        retry: {{type: constant, interval: PT1S, maxAttempts: 2}}
        allowFailure: true
        """,
        """
        id: again
        type: io.kestradbt.platform.RetryRun
        runId: "{{ outputs.trigger.runId }}"
        pollFrequency: PT0.2S
        """,
    )
    result = engine.run(flow, tmp_path / "out", timeout=240)
    assert result.state == "FAILED", result.log_text
    first, second, third = sorted(platform.runs(job_id), key=lambda run: int(run["id"]))
    assert [first["status"], second["status"], third["status"]] == [ERROR] * 3
    assert second["retrying_run_id"] == first["id"]
    assert third["retrying_run_id"] == second["id"]
    assert result.outputs("again")["runId"] == third["id"]
    outputs = result.outputs("trigger")
    assert outputs["runId"] == second["id"]
    assert outputs["failed"]
    assert any(str(name).endswith("run_results.json") for name in outputs["artifacts"])
    assert {run["executionId"] for run in result.task_runs} == {result.execution_id}

    engine.wait(engine.restart(result.execution_id), tmp_path / "again", timeout=240)
    fourth = max(platform.runs(job_id), key=lambda run: int(run["id"]))
    assert fourth["retrying_run_id"] == third["id"]


def test_a_kill_cancels_the_run(engine: Engine, platform: FakePlatform, tmp_path: Path) -> None:
    """No run is left active, and the outputs say how it ended; one that is left by its flow goes on."""
    job_id = platform.add_job(["dbt build"])
    platform.script(job_id, (3, 600))
    flow = tasks(
        platform,
        f"""
        id: trigger
        type: io.kestra.plugin.dbt.cloud.TriggerRun
        jobId: "{job_id}"
        pollFrequency: PT0.2S
        """,
    )
    execution_id = engine.submit(flow)
    wait_until(lambda: [run for run in platform.active() if run["status"] == 3])
    engine.kill(execution_id)
    result = engine.wait(execution_id, tmp_path / "out", timeout=90)
    assert result.state == "KILLED", result.log_text
    (run,) = platform.runs(job_id)
    assert run["status"] == CANCELLED
    assert result.outputs("trigger")["run"]["status"] == "Cancelled"

    start = f"""
        id: start
        type: io.kestradbt.platform.TriggerRun
        jobId: "{job_id}"
        wait: false
    """
    cancel = """
        id: cancel
        type: io.kestradbt.platform.CancelRun
        runId: "{{ outputs.start.runId }}"
        pollFrequency: PT0.2S
    """
    result = engine.run(tasks(platform, start, cancel), tmp_path / "cancelled", timeout=120)
    assert result.state == "SUCCESS", result.log_text
    assert result.outputs("cancel")["run"]["status"] == "cancelled"
    assert platform.active() == []


HELD_UP_S = 120
"""Longer than an engine lives that is killed."""


@pytest.mark.by_turns
def test_tasks_wait_in_one_process(engine: Engine, platform: FakePlatform, tmp_path: Path) -> None:
    """A kill is for one of them; when their process is killed, they go on alone, each with the run that it had."""
    jobs = [platform.add_job(["dbt build"], name=f"wait {number}") for number in range(3)]
    flow = """
        id: trigger
        type: io.kestradbt.platform.TriggerRun
        jobId: "{job_id}"
        pollFrequency: PT0.2S
        taskRunner:
          type: io.kestradbt.runner.Warm
    """
    executions = {}
    for job_id in jobs:
        platform.script(job_id, (3, 600))
        executions[job_id] = engine.submit(tasks(platform, flow.format(job_id=job_id)))
    wait_until(lambda: len(platform.active()) == len(jobs))
    (shared,) = shared_processes(engine)
    (running,) = platform.runs(jobs[0])
    engine.kill(executions[jobs[0]])
    result = engine.wait(executions[jobs[0]], tmp_path / "killed", timeout=60)
    assert (result.state, result.outputs("trigger")["run"]["status"]) == ("KILLED", "cancelled")
    assert platform.runs(jobs[0])[0]["id"] == running["id"]
    assert {run["job_id"] for run in platform.active()} == set(jobs[1:])

    os.kill(shared, signal.SIGKILL)
    for job_id in jobs[1:]:
        (run,) = platform.runs(job_id)
        more = looks(platform, run["id"]) + 5
        wait_until(partial(looked_at, platform, job_id, more))
        platform.cancel(run["id"])
        result = engine.wait(executions[job_id], tmp_path / str(job_id), timeout=60)
        assert (result.state, result.outputs("trigger")["runId"]) == ("FAILED", run["id"]), result.log_text
        assert "The process that this task shared has died" in result.log_text
        assert f"Run {run['id']} is running and is adopted" in result.log_text
        assert_no_token(result)
    assert len(platform.runs()) == len(jobs)


def shared_processes(engine: Engine) -> list[int]:
    """Return the processes in which tasks of the dbt platform wait together; the token is not in their environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            environment = (process / "environ").read_bytes()
            of_engine = f"PPid:\t{engine.pid}\n" in (process / "status").read_text()
            if of_engine and b"KESTRA_DBT_SHARED=" in environment:
                assert SECRETS["DBT_TOKEN"].encode() not in environment + (process / "cmdline").read_bytes()
                assert b"KESTRA_DBT_SECRETS" not in environment
                found.append(int(process.name))
    return found


WATCHED = {
    "KESTRA_SERVER_TYPE": "STANDALONE",
    "KESTRA_SERVER_LIVENESS_INTERVAL": "1s",
    "KESTRA_SERVER_LIVENESS_TIMEOUT": "4s",
    "KESTRA_SERVER_LIVENESS_INITIAL_DELAY": "1s",
    "KESTRA_SERVER_LIVENESS_HEARTBEAT_INTERVAL": "1s",
    "KESTRA_SERVER_WORKER_TASK_RESTART_STRATEGY": "IMMEDIATELY",
    "KESTRA_SERVER_SERVICE_PURGE_INITIAL_DELAY": "1h",
    "KESTRA_SERVER_SERVICE_PURGE_FIXED_DELAY": "1h",
    "KESTRA_SERVER_SERVICE_PURGE_RETENTION": "30d",
}
"""Lets an engine find out soon that another one has died, and do its work."""


@pytest.mark.by_turns
def test_a_dead_engine_leaves_its_runs_to_the_next_one(kestra: str, platform: FakePlatform, tmp_path: Path) -> None:
    """An engine is killed while runs are at every stage: the next one does the tasks anew, which take their runs over.

    The stages: not asked for yet, asked for without an answer, queued, in the middle, and over, with its artifacts on
    the way.
    """
    stages = ("asking", "asked", "queued", "running", "over")
    jobs = {stage: platform.add_job(["dbt build"], name=stage) for stage in stages}
    for stage in ("asking", "asked", "queued", "running"):
        platform.script(jobs[stage], (1 if stage == "queued" else 3, 600))
    over = platform.trigger(jobs["over"])  # dbt is run and recorded
    platform.wait(over)
    start = partial(
        Engine.start, kestra, secrets=SECRETS, env={**environment(kestra, tmp_path), **WATCHED}, in_memory=False
    )
    engine = start()
    executions = {}
    for stage in stages:
        match stage:
            case "asking":
                platform.fault(method="GET", path="/runs/$", delay_s=HELD_UP_S)  # its own earlier ones are looked for
            case "asked":
                platform.fault(method="POST", path="/run/$", when="after", delay_s=HELD_UP_S)
            case "over":
                platform.fault(method="GET", path="/artifacts/manifest.json", delay_s=HELD_UP_S)
        flow = tasks(
            platform,
            f"""
            id: trigger
            type: io.kestradbt.platform.TriggerRun
            jobId: "{jobs[stage]}"
            pollFrequency: PT0.2S
            """,
        )
        executions[stage] = engine.submit(flow.replace("id: platform", f"id: {stage}", 1))
        wait_until(lambda: all(fault["met"] for fault in platform.faults()))
    for stage in ("queued", "running"):
        wait_until(partial(looked_at, platform, jobs[stage]))
    assert platform.runs(jobs["asking"]) == []
    runs = {stage: platform.runs(jobs[stage])[-1]["id"] for stage in stages[1:]}
    with start(work=engine.crash()) as engine:
        wait_until(lambda: platform.runs(jobs["asking"]), limit_s=120)
        runs["asking"] = platform.runs(jobs["asking"])[0]["id"]
        for stage in stages[:4]:
            wait_until(partial(looked_at, platform, jobs[stage], looks(platform, runs[stage]) + 3), limit_s=120)
            platform.cancel(runs[stage])
        for stage, execution_id in executions.items():
            result = engine.wait(execution_id, tmp_path / stage, timeout=120)
            assert result.state == ("SUCCESS" if stage == "over" else "FAILED"), result.log_text
            assert result.outputs("trigger")["runId"] == runs[stage]
            if stage == "over":
                assert {"manifest.json", "run_results.json"} <= set(result.outputs("trigger")["artifacts"])
    assert platform.active() == []
    started = {stage: [run["id"] for run in platform.runs(jobs[stage])] for stage in stages}
    assert started == {**{stage: [runs[stage]] for stage in stages}, "over": [over, runs["over"]]}


def looks(platform: FakePlatform, run_id: int) -> int:
    """Count how often a run was looked at."""
    return len(platform.requests("GET", f"/runs/{run_id}/"))


def looked_at(platform: FakePlatform, job_id: int, more_than: int = 0) -> bool:
    """Tell whether a job has a run that was looked at more often than that."""
    return any(looks(platform, run["id"]) > more_than for run in platform.runs(job_id))


FINISHED = """\
id: finished
namespace: company.tests
tasks:
  - id: told
    type: io.kestra.plugin.core.log.Log
    message: "{{ trigger.count }} runs, the last is {{ trigger.runId }}: {{ trigger.status }}"
triggers:
"""


@pytest.mark.by_turns
def test_a_trigger_tells_of_each_finished_run_once(engine: Engine, platform: FakePlatform, tmp_path: Path) -> None:
    """Runs before the first look do not count; each one after it does, once, whatever their times."""
    job_id = platform.add_job(["dbt build"])
    platform.script(job_id, (3, 0.2), (10, 0))
    before = platform.trigger(job_id)
    platform.wait(before, SUCCESS)
    flow = FINISHED + one(
        platform,
        f"""
        id: dbt
        type: io.kestradbt.platform.JobRunFinished
        jobId: "{job_id}"
        interval: PT1S
        """,
    )
    try:
        engine.save(flow)
        wait_until(lambda: platform.requests("GET", "/runs/"))
        wait_until(lambda: len(platform.requests("GET", "/runs/")) > 1)  # so the first look is over
        runs = [platform.trigger(job_id) for _ in range(3)]
        for run in runs:
            platform.wait(run, SUCCESS)
        told: list[int] = []

        def all_told() -> bool:
            told[:] = [
                int(run["id"])
                for execution_id in engine.executions("company.tests", "finished")
                for run in engine.wait(execution_id, tmp_path / execution_id).execution["trigger"]["variables"]["runs"]
            ]
            return set(told) >= set(runs)

        wait_until(all_told)
        looks = len(platform.requests("GET", "/runs/"))
        wait_until(lambda: len(platform.requests("GET", "/runs/")) > looks + 1)
        assert all_told()
        assert sorted(told) == sorted(runs)
    finally:
        engine.save(FINISHED.replace("triggers:\n", ""))


WEBHOOK = """\
id: webhook
namespace: company.tests
tasks:
  - id: told
    type: io.kestra.plugin.core.log.Log
    message: "Run {{{{ trigger.body.runId }}}} of {{{{ trigger.body.jobName }}}}: {{{{ trigger.body.status }}}}"
triggers:
  - id: dbt
    type: io.kestradbt.platform.Webhook
    key: 4wjtkzwVGBM9yKnjm3yv8r
    secret: "{secret}"
    events: [COMPLETED]
    jobs: ["{job_id}"]
"""


@contextmanager
def server(engine: Engine) -> Iterator[str]:
    """Yield the address of a server that hands what it gets to the webhook of a flow, as Kestra's own server does."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self.send_response(engine.deliver("company.tests", "webhook", dict(self.headers), body))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=listener.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.server_address[1]}"
    finally:
        listener.shutdown()
        thread.join()
        listener.server_close()


def test_a_webhook_starts_one_execution_an_event(engine: Engine, platform: FakePlatform, tmp_path: Path) -> None:
    """Each event is taken once, however often it comes; wrong signatures, other events and tests start nothing."""
    job_id = platform.add_job(["dbt build"], name="Shop at night")
    platform.script(job_id, (3, 0.2), (20, 0))
    platform.settings(webhook_copies=2, webhook_backoff_s=0.2)
    with server(engine) as url:
        events = ("job.run.started", "job.run.completed", "job.run.errored")
        subscription, secret = platform.subscribe(url, *events)
        engine.save(WEBHOOK.format(secret=secret, job_id=job_id))
        run = platform.trigger(job_id)
        wait_until(lambda: statuses(platform, "job.run.completed") == [200, 204])
        wait_until(lambda: statuses(platform, "job.run.errored") == [204, 204])
        platform.settings(webhook_signature="wrong", webhook_copies=1, webhook_retries=0)
        platform.trigger(job_id)
        wait_until(lambda: statuses(platform, "job.run.completed")[2:] == [401])
        platform.settings(webhook_signature="right")
        v3 = f"{platform.url}/api/v3/accounts/{platform.account_id}/webhooks/subscription/{subscription}/test"
        with platform.api() as api:
            assert api.get(v3).is_success
        assert statuses(platform, "job.run.started")[-1:] == [204]
    (execution_id,) = engine.executions("company.tests", "webhook")
    result = engine.wait(execution_id, tmp_path / "out")
    assert result.state == "SUCCESS", result.log_text
    assert f"Run {run} of Shop at night: error" in result.log_text
    assert "Authorization" not in str(result.execution["trigger"])


def statuses(platform: FakePlatform, event: str) -> list[int]:
    """Return what was answered to the deliveries of a kind of event, in the order of time."""
    return [
        attempt["status"] for one in platform.deliveries() if one["event_type"] == event for attempt in one["attempts"]
    ]
