"""Retrying nodes within a run: which, after what, and what is left to tell."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run, Runner, duckdb_profile

from kestra_dbt.core.node_retries import reason_of, worth_retrying
from kestra_dbt.protocol import DbtCommand, InvocationStarted, NodeFinished, Outcome, RetryNodes, Secrets
from kestra_dbt.terms.edges import Edges

Project = Callable[[str], Path]

SECRETS = Secrets(profiles=duckdb_profile())

UNTIL = """
{{{{ config(
    materialized="table",
    pre_hook="copy (select 1) to 'try_{{{{ modules.datetime.datetime.now().timestamp() }}}}.csv'"
) }}}}
select case when count(*) < {tries} then error('{message}') else count(*) end as id from glob('try_*.csv')
"""
"""A model that fails until it is run for the time of that number."""

ALL = ("connection", "lock", "timeout", "quota")


def build(**rules: object) -> DbtCommand:
    """Return a build that retries nodes at once."""
    return DbtCommand(command=["build"], retry_nodes=RetryNodes.model_validate({"backoff_s": 0, **rules}))


def failing_until(folder: Path, tries: int, message: str) -> None:
    """Have the model `boom` fail with ``message`` until it is run for the time of that number."""
    (folder / "models" / "boom.sql").write_text(UNTIL.format(tries=tries, message=message))


def results(run: Run) -> dict[str, str]:
    """Return the statuses in the run results of the whole."""
    entries = json.loads(run.artifact("run_results.json").read_text())["results"]
    return {entry["unique_id"].rpartition(".")[2]: entry["status"] for entry in entries}


def test_a_node_that_comes_through(carry_out: Runner, project: Project) -> None:
    """What failed for a reason that passes is run again, with what it held back, and the run is a success."""
    folder = project("broken/failing_model")
    failing_until(folder, 3, "deadlock detected")
    run = carry_out(build(attempts=3), SECRETS, folder=folder)
    assert run.ended.outcome is Outcome.SUCCESS, run
    assert [started.command for started in run.of(InvocationStarted)] == ["build", "retry", "retry"]
    told = [(node.invocation, node.label) for node in run.of(NodeFinished) if node.outcome is not Outcome.SKIPPED]
    assert {(2, "boom"), (3, "boom"), (3, "after_boom")} <= set(told)
    assert [label for _, label in told].count("elsewhere") == 1
    line = "Retrying in 0 s (1 of 3), for a reason that may pass (lock): model.failing_model.boom, with 1 skipped."
    assert line in run.plain
    assert (run.ended.summary.nodes, run.ended.summary.success, run.ended.summary.failed) == (4, 4, 0)
    assert results(run) == dict.fromkeys(("boom", "after_boom", "elsewhere", "after_elsewhere"), "success")
    assert {"1-build/run_results.json", "3-retry/run_results.json"} <= run.artifacts


def test_nodes_that_do_not(carry_out: Runner, project: Project) -> None:
    """SQL that is wrong is not run again, nor what it holds back; the run fails with all that is left, and says so."""
    folder = project("broken/failing_model")
    failing_until(folder, 9, "could not connect to server: Connection refused")
    (folder / "models" / "elsewhere.sql").write_text("{{ config(materialized='table') }} select 1 / 'x' as id")
    run = carry_out(build(attempts=1), SECRETS, folder=folder)
    assert run.ended.outcome is Outcome.FAILED, run
    executed = [node.label for node in run.of(NodeFinished) if node.invocation > 1]
    assert set(executed) == {"boom", "after_boom"}
    assert run.failure.sentence.startswith("2 of 4 nodes failed: "), run.failure
    assert "model boom" in run.failure.sentence
    assert "model elsewhere" in run.failure.sentence
    assert "2 were skipped" in run.failure.sentence
    assert results(run)["elsewhere"] == "error"


def test_a_retry_that_helps_some(carry_out: Runner, project: Project) -> None:
    """What came through counts; the run fails because of the rest."""
    folder = project("broken/failing_model")
    failing_until(folder, 2, "Lock wait timeout exceeded")
    (folder / "models" / "elsewhere.sql").write_text("{{ config(materialized='table') }} select 1 / 'x' as id")
    run = carry_out(build(reasons=["lock"]), SECRETS, folder=folder)
    assert (run.code, run.ended.outcome) == (1, Outcome.FAILED), run
    assert run.failure.sentence.startswith("1 of 4 nodes failed: model elsewhere; 1 was skipped")
    assert run.ended.summary.success == 2


def test_a_reason_that_is_not_asked_for(carry_out: Runner, project: Project) -> None:
    """Only the reasons that are named count."""
    folder = project("broken/failing_model")
    failing_until(folder, 2, "deadlock detected")
    run = carry_out(build(reasons=["quota"]), SECRETS, folder=folder)
    assert len(run.of(InvocationStarted)) == 1
    assert run.ended.outcome is Outcome.FAILED


def test_a_stop_while_it_waits(carry_out: Runner, project: Project) -> None:
    """A stop ends the wait at once, and nothing is begun anew."""
    folder = project("broken/failing_model")
    failing_until(folder, 2, "deadlock detected")

    def stop(process: subprocess.Popen[bytes]) -> None:
        assert process.stdout
        for line in process.stdout:
            if line.startswith(b"Retrying in 600 s"):
                break
        process.send_signal(signal.SIGTERM)

    began = time.monotonic()
    run = carry_out(build(backoff_s=600), SECRETS, folder=folder, during=stop)
    assert time.monotonic() - began < 60
    assert run.ended.outcome is Outcome.FAILED
    assert run.failure.sentence.startswith("The run was stopped after ")


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ('could not connect to server: Connection refused\n  Is the server running on host "db"', "connection"),
        ("connection to server at 10.0.0.1, port 5432 failed: timeout expired", "connection"),
        ("server closed the connection unexpectedly", "connection"),
        ("SSL SYSCALL error: EOF detected", "connection"),
        ("250001 (08001): Failed to connect to DB: ab123.snowflakecomputing.com:443", "connection"),
        ("('Connection aborted.', RemoteDisconnected('Remote end closed connection without response'))", "connection"),
        ("503 POST https://bigquery.example/jobs: Service Unavailable", "connection"),
        ("deadlock detected\n  DETAIL:  Process 1 waits for ShareLock", "lock"),
        ("canceling statement due to lock timeout", "lock"),
        ("could not serialize access due to concurrent update", "lock"),
        ("000625 (57014): Statement aborted because the number of waiters for this lock exceeds the limit", "lock"),
        ("[DELTA_CONCURRENT_APPEND] ConcurrentAppendException: files were added", "lock"),
        ('IO Error: Could not set lock on file "/data/x.duckdb": Conflicting lock is held', "lock"),
        ("TransactionContext Error: Catalog write-write conflict on create", "lock"),
        ("canceling statement due to statement timeout", "timeout"),
        ("000630 (57014): Statement reached its statement or warehouse timeout of 60 second(s)", "timeout"),
        ("504 Deadline Exceeded", "timeout"),
        ("403 Quota exceeded: Your project exceeded quota for concurrent queries", "quota"),
        ("FATAL:  remaining connection slots are reserved for superusers", "quota"),
        ("FATAL:  sorry, too many clients already", "quota"),
        ("Exceeded rate limits: too many table update operations for this table", "quota"),
        ('column "amuont" does not exist\n  LINE 1: select amuont', None),
        ("Compilation Error\n  depends on a node named 'x' which was not found", None),
        ("permission denied for schema marts", None),
    ],
)
def test_reasons(message: str, reason: str | None) -> None:
    """What warehouses say when it may pass, and what they say when it won't."""
    entry = {"status": "error", "message": f"Database Error in model x (models/x.sql)\n  {message}"}
    assert reason_of(entry, [reason] if reason else ALL) == reason


def test_a_failing_test_is_never_retried() -> None:
    """Whatever it says; nor is what it holds back: the models below the one that it tests."""
    undone = {
        "test.p.t": {"unique_id": "test.p.t", "status": "fail", "message": "Got 1 result: deadlock"},
        "model.p.lock": {"unique_id": "model.p.lock", "status": "error", "message": "deadlock"},
        "model.p.below_tested": {"unique_id": "model.p.below_tested", "status": "skipped", "message": None},
        "model.p.below_lock": {"unique_id": "model.p.below_lock", "status": "skipped", "message": None},
    }
    graph = Edges(
        {"test.p.t": ["model.p.tested"]},
        {"model.p.tested": ["test.p.t", "model.p.below_tested"], "model.p.lock": ["model.p.below_lock"]},
    )
    chosen = worth_retrying(undone, ALL, lambda: graph)
    assert [entry["unique_id"] for entry in chosen] == ["model.p.lock", "model.p.below_lock"]
