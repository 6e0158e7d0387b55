"""How a run ended, said honestly: green only if what was asked for was executed and reported."""

from collections.abc import Iterator

from kestra_dbt.core.collection import RESULTS
from kestra_dbt.core.stop import StopReport
from kestra_dbt.protocol import Failure, FailureCode, Judgement, Outcome, ShellScript
from kestra_dbt.protocol.options import DbtRequestBase
from kestra_dbt.report.failed_nodes import of_nodes
from kestra_dbt.report.results import Invocation, Results
from kestra_dbt.report.verdict import Verdict
from kestra_dbt.report.warnings import did_nothing, invocation_name, passed, what_nothing
from kestra_dbt.terms.commands import checks_sources, runs_nodes

_SIGNALLED = 128
_KILLED_HARD = 137


def judge(
    request: DbtRequestBase, code: int, results: Results, failures: dict[int, Failure], *, stopped: StopReport | None
) -> Verdict:
    """Judge a run by the exit code of its child and by what its invocations told."""
    rules, script = request.judgement, isinstance(request, ShellScript)
    if stopped:
        failure = Failure(code=FailureCode.KILLED, sentence=_stopped_sentence(results, stopped))
        return Verdict(Outcome.FAILED, code or 130, failure, stopped=True)
    if code:
        return _failed(code, _reason_for(code, results, failures, script=script))
    doubt = next(_doubts(results, rules), None)
    if doubt is not None:
        return _failed(1, doubt)
    return passed(results, rules, script=script)


def _doubts(results: Results, rules: Judgement) -> Iterator[Failure]:
    """Yield why a run whose exit code is 0 is not to be trusted."""
    invocations = results.invocations.values()
    yield from (_died(i, None) for i in invocations if i.exit_code is None)
    yield from (_not_reported(i) for i in invocations if _unreported(i) > 0)
    yield from (_not_written(i) for i in invocations if _lacks_results(i))
    if results.begun > len(results.invocations):
        yield _not_followed(results.begun - len(results.invocations))
    if rules.on_empty == "fail":
        yield from (_nothing_done(i, results) for i in invocations if did_nothing(i))


def _lacks_results(invocation: Invocation) -> bool:
    """Tell whether an invocation that calls itself good left no results, which it was to write."""
    executed = runs_nodes(invocation.command) and not did_nothing(invocation)
    written = not RESULTS.isdisjoint(invocation.artifacts)
    return executed and invocation.exit_code == 0 and invocation.writes_results and not written


def _unreported(invocation: Invocation) -> int:
    """Return how many nodes of an invocation that calls itself good never came to an end."""
    if invocation.exit_code:
        return 0
    reported = sum(node.resource_type != "operation" for node in invocation.nodes)  # hooks are not counted by dbt
    announced = max((node.total or 0 for node in (*invocation.nodes, *invocation.running.values())), default=0)
    missing = announced - reported
    # dbt 1.8 to 1.11 adds all unit tests to its total again each time that it takes a node before the first has begun
    unit_tests = sum(node.resource_type == "unit_test" for node in invocation.nodes)
    counted_again = unit_tests > 0 and missing % unit_tests == 0
    return max(0 if counted_again else missing, len(invocation.running))


def _not_reported(invocation: Invocation) -> Failure:
    return Failure(
        code=FailureCode.INTERNAL,
        sentence=f"`{invocation.title}` ended with exit code 0, but {_unreported(invocation)} of the nodes that "
        "it selected were never reported: do not trust this run; dbt.log has what happened.",
    )


def _not_written(invocation: Invocation) -> Failure:
    file = "sources.json" if checks_sources(invocation.command) else "run_results.json"
    return Failure(
        code=FailureCode.INTERNAL,
        sentence=f"`{invocation.title}` ended with exit code 0, but left no {file} of its own: one that lies in its "
        "target folder is older, or of another dbt; do not trust this run, unless the log says that the file could "
        "not be kept. With `--no-write-json` none is expected.",
    )


def _not_followed(count: int) -> Failure:
    which = "A dbt that the commands started" if count == 1 else f"{count} of the dbts that the commands started"
    return Failure(
        code=FailureCode.SCRIPT,
        sentence=f"{which} never got to work: see the log, and if it runs in the background, let the commands `wait` "
        "for it.",
    )


def _nothing_done(invocation: Invocation, results: Results) -> Failure:
    said = f"{invocation_name(invocation, results)} {what_nothing(invocation)}"
    return Failure(code=FailureCode.EMPTY, sentence=f"{said}; `onEmpty` makes that a failure.")


def _failed(code: int, failure: Failure) -> Verdict:
    return Verdict(Outcome.FAILED, code, failure)


def _reason_for(code: int, results: Results, failures: dict[int, Failure], *, script: bool) -> Failure:
    for invocation in reversed(results.invocations.values()):
        if invocation.exit_code is None:
            return _died(invocation, code)
        if invocation.number in failures:
            return failures[invocation.number]
        if _has_failed_nodes(invocation):
            return of_nodes(results.nodes if results.retried else invocation.nodes)
    if script:
        return Failure(code=FailureCode.SCRIPT, sentence=_script_sentence(code, results))
    return Failure(
        code=FailureCode.INTERNAL,
        sentence=f"The process that runs dbt ended with exit code {code}{_signal_hint(code)} before dbt said why: the "
        "log has its last words.",
    )


def _has_failed_nodes(invocation: Invocation) -> bool:
    return any(node.outcome is Outcome.FAILED for node in invocation.nodes)


def _died(invocation: Invocation, code: int | None) -> Failure:
    running = _names_of_running(invocation) or "no node"
    ended = f"with exit code {code}{_signal_hint(code)} " if code else ""
    return Failure(
        code=FailureCode.KILLED if code and code > _SIGNALLED else FailureCode.INTERNAL,
        sentence=f"The process that ran `{invocation.title}` ended {ended}in the middle, while {running} ran: "
        f"{len(invocation.nodes)} nodes had finished, and what it wrote until then is in the outputs.",
    )


def _signal_hint(code: int | None) -> str:
    if code == _KILLED_HARD:
        return " (killed, often for want of memory)"
    return f" (signal {code - _SIGNALLED})" if code and code > _SIGNALLED else ""


def _script_sentence(code: int, results: Results) -> str:
    count = len(results.invocations)
    dbts = "no dbt command" if not count else "1 dbt command" if count == 1 else f"{count} dbt commands"
    return f"The commands ended with exit code {code}{_signal_hint(code)}, after {dbts} that did not fail: see the log."


def _stopped_sentence(results: Results, stopped: StopReport) -> str:
    finished = len(results.nodes)
    running = ", ".join(filter(None, map(_names_of_running, results.invocations.values())))
    sentence = f"The run was stopped after {finished} {'node' if finished == 1 else 'nodes'}"
    sentence += f", while {running} ran." if running else "."
    if stopped.forced:
        sentence += (
            f" dbt did not end within {stopped.grace_s:g} s and was killed: it may have left queries in the warehouse."
        )
    if stopped.survivors:
        sentence += f" These processes could not be killed: {', '.join(stopped.survivors)}."
    return sentence


def _names_of_running(invocation: Invocation) -> str:
    return ", ".join(f"{node.resource_type} {node.label}" for node in invocation.running.values())
