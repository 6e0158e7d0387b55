"""How a run ended, said honestly: green only if what was asked for was executed and reported."""

from kestra_dbt.core.commands import is_list, runs_nodes, verb
from kestra_dbt.core.failures import of_nodes
from kestra_dbt.core.stop import StopReport
from kestra_dbt.protocol import Failure, FailureCode, Outcome
from kestra_dbt.report.results import Invocation, Results
from kestra_dbt.report.verdict import Verdict

_NAMED_AT_MOST = 5

_WRITTEN = {"run_results.json", "sources.json"}
"""Where dbt writes how nodes ended; `source freshness` has a file of its own."""

_SIGNALLED = 128
_KILLED_HARD = 137


def judge(
    code: int, results: Results, failures: dict[int, Failure], *, stopped: StopReport | None, script: bool
) -> Verdict:
    """Judge a run by the exit code of its child and by what its invocations told."""
    if stopped:
        failure = Failure(code=FailureCode.KILLED, sentence=_stopped_sentence(results, stopped))
        return Verdict(Outcome.FAILED, code or 130, failure, stopped=True)
    if code:
        return _failed(code, _reason_for(code, results, failures, script=script))
    unfinished = [i for i in results.invocations.values() if i.exit_code is None]
    if unfinished:
        return _failed(1, _died(unfinished[0], None))
    silent = next((i for i in results.invocations.values() if _unreported(i) > 0), None)
    if silent is not None:
        return _failed(1, _not_reported(silent))
    return _passed(results, script=script)


def _unreported(invocation: Invocation) -> int:
    """Return how many nodes of an invocation that calls itself good never came to an end."""
    if invocation.exit_code:
        return 0
    reported = sum(node.resource_type != "operation" for node in invocation.nodes)  # hooks are not counted by dbt
    announced = max((node.total or 0 for node in (*invocation.nodes, *invocation.running.values())), default=0)
    return max(announced - reported, len(invocation.running))


def _not_reported(invocation: Invocation) -> Failure:
    return Failure(
        code=FailureCode.INTERNAL,
        sentence=f"`{invocation.title}` ended with exit code 0, but {_unreported(invocation)} of the nodes that "
        "it selected were never reported: do not trust this run; dbt.log has what happened.",
    )


def _passed(results: Results, *, script: bool) -> Verdict:
    reasons = [
        f"{_invocation_name(invocation, results)} {reason}"
        for invocation in results.invocations.values()
        if (reason := _reason_to_warn(invocation)) is not None
    ]
    if len(reasons) > _NAMED_AT_MOST:
        reasons[_NAMED_AT_MOST:] = [f"and {len(reasons) - _NAMED_AT_MOST} more like these"]
    if script and not results.invocations:
        reasons.append(
            "no dbt was followed: the commands start none, or one that is not the first `dbt` on PATH; have it found "
            "through `pythonPath` or `dependencies` instead"
        )
    warned = [node for node in results.nodes if node.outcome is Outcome.WARNING]
    if warned:
        named = ", ".join(f"{node.resource_type} {node.label}" for node in warned[:5])
        reasons.append(f"{len(warned)} of {len(results.nodes)} nodes ended with a warning: {named}")
    if reasons:
        return Verdict(Outcome.WARNING, 0, reason=f"{'; '.join(reasons)}.")
    return Verdict(Outcome.SUCCESS, 0)


def _reason_to_warn(invocation: Invocation) -> str | None:
    if invocation.exit_code:
        return "failed, and the script went on"
    if _did_nothing(invocation):
        return f"{verb(invocation.command)} nothing: {_why_nothing(invocation)}"
    if runs_nodes(invocation.command) and not _WRITTEN.intersection(invocation.artifacts):
        return "wrote no run_results.json, without which a later retry or comparison is not possible"
    return None


def _did_nothing(invocation: Invocation) -> bool:
    if is_list(invocation.command):  # in a script, where it has no table, the script itself reads what is listed
        return 0 in invocation.tables.values()
    return verb(invocation.command) is not None and all(node.resource_type == "operation" for node in invocation.nodes)


def _why_nothing(invocation: Invocation) -> str:
    if invocation.command == "retry":
        return "no node of the earlier run failed or was skipped"
    if invocation.selection:
        return f"`{invocation.selection}` selects nothing"
    if invocation.command.startswith("source"):
        return "no source of the project has a `freshness`"
    return "the project has no nodes for it"


def _failed(code: int, failure: Failure) -> Verdict:
    return Verdict(Outcome.FAILED, code, failure)


def _reason_for(code: int, results: Results, failures: dict[int, Failure], *, script: bool) -> Failure:
    for invocation in reversed(results.invocations.values()):
        if invocation.exit_code is None:
            return _died(invocation, code)
        if invocation.number in failures:
            return failures[invocation.number]
        if _has_failed_nodes(invocation):
            return of_nodes(invocation.nodes)
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


def _invocation_name(invocation: Invocation, results: Results) -> str:
    number = f" (number {invocation.number})" if len(results.invocations) > 1 else ""
    return f"`{invocation.title}`{number}"
