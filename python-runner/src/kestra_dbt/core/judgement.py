"""How a run ended, said honestly: green only if what was asked for was executed and reported."""

from kestra_dbt.core.failures import of_nodes
from kestra_dbt.core.reception import runs_nodes
from kestra_dbt.core.stop import StopReport
from kestra_dbt.protocol import Failure, FailureCode, Outcome
from kestra_dbt.report.results import Invocation, Results
from kestra_dbt.report.verdict import Verdict

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
    return _passed(results)


def _passed(results: Results) -> Verdict:
    reasons = []
    for invocation in results.invocations.values():
        said = _invocation_name(invocation, results)
        if invocation.exit_code:
            reasons.append(f"{said} failed, and the script went on")
        elif runs_nodes(invocation) and not invocation.nodes:
            selection = (
                f"`{invocation.selection}` selects nothing" if invocation.selection else "the project has no nodes"
            )
            reasons.append(f"{said} executed nothing: {selection}")
    warned = [node for node in results.nodes if node.outcome is Outcome.WARNING]
    if warned:
        named = ", ".join(f"{node.resource_type} {node.label}" for node in warned[:5])
        reasons.append(f"{len(warned)} of {len(results.nodes)} nodes ended with a warning: {named}")
    if reasons:
        return Verdict(Outcome.WARNING, 0, reason=f"{'; '.join(reasons)}.")
    return Verdict(Outcome.SUCCESS, 0)


def _failed(code: int, failure: Failure) -> Verdict:
    return Verdict(Outcome.FAILED, code, failure)


def _reason_for(code: int, results: Results, failures: dict[int, Failure], *, script: bool) -> Failure:
    last = max(results.invocations.values(), key=lambda i: i.number, default=None)
    if last is not None and last.exit_code is None:
        return _died(last, code)
    if last is not None and last.exit_code:
        found = failures.get(last.number) or (of_nodes(last.nodes) if _has_failed_nodes(last) else None)
        if found is not None:
            return found
    if failures and last is None:
        return failures[max(failures)]
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
        sentence=f"The process that ran `dbt {invocation.command}` ended {ended}in the middle, while {running} ran: "
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
    return f"`dbt {invocation.command}`{number}"
