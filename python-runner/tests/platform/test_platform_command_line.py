"""`kestra-dbt platform`: progress, results, exit codes."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from conftest import PROJECTS
from fake_platform.client import FakePlatform
from on_platform import ENVIRONMENT, Scripted

from kestra_dbt.platform.terminal.arguments import TOKEN_VARIABLES, parser, request_of, seconds
from kestra_dbt.protocol import RequestAdapter


def environment(platform: FakePlatform) -> dict[str, str]:
    """Return the variables that say where, and with what token."""
    account = {"DBT_CLOUD_HOST": platform.url, "DBT_CLOUD_ACCOUNT_ID": str(platform.account_id)}
    return {**os.environ, **ENVIRONMENT, **account, "DBT_PLATFORM_TOKEN": platform.token}


def call(platform: FakePlatform, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    return subprocess.run(
        [sys.executable, "-m", "kestra_dbt", "platform", *arguments],
        cwd=folder,
        env=environment(platform),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_runs_from_their_start_to_their_artifacts(platform: FakePlatform, tmp_path: Path) -> None:
    """What people do in a day; no output has the token."""
    project = platform.add_project(PROJECTS / "broken/failing_model")
    job = platform.add_job(["dbt build"], project_id=project, name="fails")
    run = call(platform, tmp_path, "run", "fails", "--poll", "0.2", "--key", "my-scheduler-17")
    (known,) = platform.runs(job)
    assert known["cause"] == "Started from a command line my-scheduler-17"
    assert run.returncode == 1, run.stderr
    assert "Running with dbt=" in run.stderr
    assert "failed: model boom" in run.stderr
    assert f"run {known['id']}: error http" in run.stdout
    assert (tmp_path / "dbt-platform/dbt/2-build/run_results.json").is_file()
    again = call(platform, tmp_path, "run", "fails", "--poll", "0.2", "--key", "my-scheduler-17", "--no-wait")
    assert again.returncode == 0
    assert len(platform.runs(job)) == 1
    artifacts = call(platform, tmp_path, "artifacts", "--job", "fails", "manifest.json", "--output", "there")
    assert (artifacts.returncode, "1 artifacts in there" in artifacts.stdout) == (0, True), artifacts.stderr
    runs = call(platform, tmp_path, "runs", "--status", "error", "--json")
    assert [json.loads(line)["id"] for line in runs.stdout.splitlines()] == [known["id"]]
    jobs = call(platform, tmp_path, "jobs", "fail")
    assert jobs.stdout.splitlines()[0].split()[:2] == ["id", "name"]
    assert jobs.stdout.splitlines()[1].split()[:2] == [str(job), "fails"]
    wrong = call(platform, tmp_path, "check", "1")
    assert (wrong.returncode, "Run 1 is not there" in wrong.stderr) == (2, True)
    said = "".join(one.stdout + one.stderr for one in (run, again, artifacts, runs, jobs, wrong))
    assert platform.token not in said


@pytest.mark.parametrize(("on_kill", "status"), [("cancel", 30), ("leave", 3)])
def test_an_interrupt(platform: FakePlatform, tmp_path: Path, scripted: Scripted, on_kill: str, status: int) -> None:
    """Ctrl-C cancels the run, unless it is to be left."""
    job = scripted((3, 60), (10, 0))
    process = subprocess.Popen(
        [sys.executable, "-m", "kestra_dbt", "platform", "run", str(job), "--poll", "0.2", "--on-kill", on_kill],
        cwd=tmp_path,
        env=environment(platform),
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(platform.requests("GET", "/runs/1")) < 2:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert ("was cancelled" if on_kill == "cancel" else "goes on") in stderr
    (known,) = platform.runs(job)
    assert known["status"] == status


def test_without_a_token(tmp_path: Path) -> None:
    """It is asked for by its variable; it can't be an argument."""
    bare = {name: value for name, value in os.environ.items() if name not in TOKEN_VARIABLES}
    command = [sys.executable, "-m", "kestra_dbt", "platform", "jobs", "--account", "1"]
    run = subprocess.run(command, cwd=tmp_path, env=bare, capture_output=True, text=True, timeout=60, check=False)
    assert (run.returncode, "set DBT_PLATFORM_TOKEN" in run.stderr) == (2, True)


@pytest.mark.parametrize(
    "line",
    [
        "run 901 --git-branch main --threads 4 --timeout 30m --step 'dbt build' --schema s --no-wait",
        "run nightly --project shop --environment Prod --max-duration 2h --compiled",
        "check 1 --follow",
        "retry 1 --on-kill leave",
        "cancel 1",
        "artifacts --run 1 --step 4 compiled/**",
        "jobs night --limit 5",
        "runs --job 901 --status error --status cancelled --finished-after 2026-01-15T10:20:02Z",
    ],
)
def test_all_arguments_are_a_request(line: str) -> None:
    """What the command line takes, the contract knows."""
    given = parser({"DBT_CLOUD_ACCOUNT_ID": "1"}).parse_args(shlex.split(line))
    assert RequestAdapter.validate_python(request_of(given))


def test_durations() -> None:
    """They have units; without one they are seconds."""
    assert [seconds(text) for text in ("90", "1.5s", "15m", "2h")] == [90, 1.5, 900, 7200]
