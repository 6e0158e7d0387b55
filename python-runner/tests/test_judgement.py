"""How runs are judged, from what their invocations told."""

from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

import pytest

from kestra_dbt.core.judgement import judge
from kestra_dbt.protocol import (
    DbtCommand,
    Failure,
    FailureCode,
    Judgement,
    NodeFinished,
    NodeStarted,
    Outcome,
    ShellScript,
)
from kestra_dbt.report.results import Results

BUILD = DbtCommand(command=["build"])
SCRIPT = ShellScript()
NOW = datetime(2026, 1, 15, tzinfo=timezone.utc)


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Results]:
    """Yield the results of a build that ended with exit code 0, so far without nodes."""
    results = Results(tmp_path / "nodes.ion")
    build = results.invocation(1)
    build.command, build.exit_code = "build", 0
    build.artifacts = ["run_results.json"]
    yield results
    results.close()


def finished(name: str, outcome: Outcome = Outcome.SUCCESS, total: int = 2, kind: str = "model") -> NodeFinished:
    """Return a node that ended."""
    return NodeFinished(
        invocation=1,
        unique_id=f"{kind}.shop.{name}",
        label=name,
        resource_type=kind,
        index=1,
        total=total,
        outcome=outcome,
        status=outcome.value,
        queued_at=NOW,
        started_at=NOW,
        finished_at=NOW,
    )


def started(name: str, total: int = 2) -> NodeStarted:
    """Return a node that began."""
    return NodeStarted(
        invocation=1, unique_id=f"model.shop.{name}", label=name, resource_type="model", index=1, total=total, at=NOW
    )


def test_all_that_was_selected_was_reported(results: Results) -> None:
    """Green is when every node that dbt announced came to an end; hooks are over and above."""
    for node in (finished("a"), finished("b"), finished("hook", kind="operation")):
        results.finished(node)
    assert judge(BUILD, 0, results, {}, stopped=None).outcome is Outcome.SUCCESS


@pytest.mark.parametrize("hook", [True, False])
def test_a_node_that_was_never_reported(results: Results, hook: bool) -> None:
    """An exit code of 0 does not make up for a node without a result."""
    results.finished(finished("a"))
    if hook:
        results.finished(finished("hook", kind="operation"))
    verdict = judge(BUILD, 0, results, {}, stopped=None)
    assert verdict.failure is not None
    assert (verdict.outcome, verdict.exit_code, verdict.failure.code) == (Outcome.FAILED, 1, FailureCode.INTERNAL)
    assert "1 of the nodes that it selected were never reported" in verdict.failure.sentence


def test_unit_tests_that_dbt_counts_again_are_not_missed(results: Results) -> None:
    """dbt's total has each of them once more if it took another node before the first began; two more are missed."""
    results.finished(finished("adds", total=3, kind="unit_test"))
    results.finished(finished("a", total=3))
    assert judge(BUILD, 0, results, {}, stopped=None).failure is None
    results.finished(finished("adds_more", total=5, kind="unit_test"))
    assert judge(BUILD, 0, results, {}, stopped=None).failure is None, "both of them"
    results.finished(finished("b", total=7))
    failure = judge(BUILD, 0, results, {}, stopped=None).failure
    assert failure is not None
    assert "3 of the nodes that it selected were never reported" in failure.sentence


def test_a_node_that_never_ended(results: Results) -> None:
    """Nor for one that began and never ended."""
    results.finished(finished("a", total=1))
    results.started(started("b", total=1))
    assert judge(BUILD, 0, results, {}, stopped=None).outcome is Outcome.FAILED


def test_an_invocation_without_an_end(results: Results) -> None:
    """A script that ends well although one of its dbts vanished is not well."""
    results.invocation(1).exit_code = None
    assert judge(SCRIPT, 0, results, {}, stopped=None).outcome is Outcome.FAILED


def test_the_failure_of_the_last_invocation_counts(results: Results) -> None:
    """An earlier failure that the script went over is not why it failed."""
    results.invocation(1).exit_code = 1
    results.invocation(2).command, results.invocation(2).exit_code = "test", 2
    failures = {
        number: Failure(code=FailureCode.PROJECT, sentence=f"Failure {number}.") for number in results.invocations
    }
    verdict = judge(SCRIPT, 2, results, failures, stopped=None)
    assert verdict.failure == failures[2]


def test_a_failure_before_a_good_end_of_the_script_is_named(results: Results) -> None:
    """`dbt build || rc=$?; dbt parse; exit $rc` failed because of the build."""
    results.finished(finished("a", Outcome.FAILED))
    results.invocation(1).exit_code = 1
    results.invocation(2).command, results.invocation(2).exit_code = "parse", 0
    verdict = judge(SCRIPT, 1, results, {}, stopped=None)
    assert verdict.failure is not None
    assert verdict.failure.sentence.startswith("1 of 1 nodes failed: model a")


def test_results_that_are_missing(results: Results) -> None:
    """A build that left no run_results.json of its own is not green, unless it was told to write none."""
    results.finished(finished("a", total=1))
    results.invocation(1).artifacts = ["manifest.json"]
    verdict = judge(BUILD, 0, results, {}, stopped=None)
    assert (verdict.outcome, verdict.exit_code) == (Outcome.FAILED, 1)
    assert verdict.failure is not None
    assert "left no run_results.json of its own" in verdict.failure.sentence
    results.invocation(1).writes_results = False
    assert judge(BUILD, 0, results, {}, stopped=None).outcome is Outcome.SUCCESS


def test_the_results_of_every_invocation_count(results: Results) -> None:
    """Results of the first build do not stand for those of the second one."""
    for number in (1, 2):
        results.finished(finished("a", total=1).model_copy(update={"invocation": number}))
    results.invocation(2).command, results.invocation(2).exit_code = "build", 0
    assert judge(SCRIPT, 0, results, {}, stopped=None).outcome is Outcome.FAILED
    results.invocation(2).artifacts = ["run_results.json"]
    assert judge(SCRIPT, 0, results, {}, stopped=None).outcome is Outcome.SUCCESS


def test_a_dbt_that_nothing_was_heard_of(results: Results) -> None:
    """A dbt that the commands started counts, even if it died before it could say anything."""
    results.finished(finished("a", total=1))
    results.begun = 2
    verdict = judge(SCRIPT, 0, results, {}, stopped=None)
    assert verdict.failure is not None
    assert verdict.failure.sentence.startswith("A dbt that the commands started never got to work")


@pytest.mark.parametrize(
    ("rule", "outcome"), [("warn", Outcome.WARNING), ("fail", Outcome.FAILED), ("allow", Outcome.SUCCESS)]
)
def test_nothing_to_do(results: Results, rule: Literal["warn", "fail", "allow"], outcome: Outcome) -> None:
    """What a selection comes to that matches nothing is the user's to say, dbt's own warning of it included."""
    results.invocation(1).selection, results.invocation(1).warned = (
        "--select nobody",
        {"NoNodesForSelectionCriteria": 1},
    )
    rules = Judgement(on_empty=rule, warnings="all" if rule == "allow" else "nodes")
    verdict = judge(BUILD.model_copy(update={"judgement": rules}), 0, results, {}, stopped=None)
    assert verdict.outcome is outcome
    told = verdict.failure.sentence if verdict.failure else verdict.reason
    assert ("executed nothing: `--select nobody` selects nothing" in (told or "")) == (rule != "allow")
    assert verdict.failure is None or (verdict.failure.code, verdict.exit_code) == (FailureCode.EMPTY, 1)


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("none", None),
        ("nodes", "1 of 1 nodes ended with a warning: model a."),
        ("deprecations", "`dbt build` warned: CustomKeyInConfigDeprecation (2 times); 1 of 1 nodes ended with a"),
        ("all", "`dbt build` warned: CustomKeyInConfigDeprecation (2 times), UnusedTables; 1 of 1 nodes ended with a"),
    ],
)
def test_which_warnings_count(
    results: Results, rule: Literal["none", "nodes", "deprecations", "all"], reason: str | None
) -> None:
    """Each level of `warnings` has those of the one before it."""
    results.finished(finished("a", Outcome.WARNING, total=1))
    results.invocation(1).warned = {"CustomKeyInConfigDeprecation": 2, "UnusedTables": 1}
    request = BUILD.model_copy(update={"judgement": Judgement(warnings=rule)})
    verdict = judge(request, 0, results, {}, stopped=None)
    assert verdict.outcome is (Outcome.WARNING if reason else Outcome.SUCCESS)
    assert (verdict.reason or "").startswith(reason or "")


def test_a_script_without_dbt(tmp_path: Path) -> None:
    """Commands whose dbt was not followed are not green without a word."""
    nothing = Results(tmp_path / "none.ion")
    nothing.close()
    verdict = judge(SCRIPT, 0, nothing, {}, stopped=None)
    assert verdict.outcome is Outcome.WARNING
    assert "no dbt was followed" in (verdict.reason or "")
