"""When a run that went well is a success, and when it is one with a warning."""

from collections.abc import Iterable, Iterator

from kestra_dbt.protocol import Judgement, Outcome
from kestra_dbt.report.results import Invocation, Results
from kestra_dbt.report.verdict import Verdict
from kestra_dbt.terms.commands import is_list, verb

_NAMED_AT_MOST = 5

_OF_NOTHING = frozenset({"NothingToDo", "NoNodesSelected", "NoNodesForSelectionCriteria"})
"""dbt's warnings of a selection that matches nothing, for which there is a rule of its own."""

_RENAMED = frozenset({"MetricAttributesRenamed", "EnvironmentVariableRenamed"})
"""dbt's deprecations that aren't called so."""


def passed(results: Results, rules: Judgement, *, script: bool = False, doubts: Iterable[str] = ()) -> Verdict:
    """Return the verdict about a run in which nothing failed.

    Args:
        results: of the run.
        rules: about what makes it a warning.
        script: a script started its dbts.
        doubts: more that makes it one, in words.
    """
    reasons = [
        f"{invocation_name(invocation, results)} {reason}"
        for invocation in results.invocations.values()
        for reason in _reasons_to_warn(invocation, rules)
    ]
    reasons += doubts
    if len(reasons) > _NAMED_AT_MOST:
        reasons[_NAMED_AT_MOST:] = [f"and {len(reasons) - _NAMED_AT_MOST} more like these"]
    if script and not results.invocations:
        reasons.append(
            "no dbt was followed: the commands start none, or one that is not the first `dbt` on PATH; have it found "
            "through `pythonPath` or `dependencies` instead"
        )
    warned = [node for node in results.nodes if node.outcome is Outcome.WARNING]
    if warned and rules.warnings != "none":
        named = ", ".join(f"{node.resource_type} {node.label}" for node in warned[:5])
        reasons.append(f"{len(warned)} of {len(results.nodes)} nodes ended with a warning: {named}")
    if reasons:
        return Verdict(Outcome.WARNING, 0, reason=f"{'; '.join(reasons)}.")
    return Verdict(Outcome.SUCCESS, 0)


def _reasons_to_warn(invocation: Invocation, rules: Judgement) -> Iterator[str]:
    if invocation.exit_code and not invocation.retried:
        yield "failed, and the script went on"
    elif did_nothing(invocation) and rules.on_empty == "warn":
        yield what_nothing(invocation)
    warned = [_times(name, count) for name, count in invocation.warned.items() if _counts(name, invocation, rules)]
    if warned:
        yield f"warned: {', '.join(warned)}"


def _times(warning: str, count: int) -> str:
    return warning if count == 1 else f"{warning} ({count} times)"


def _counts(warning: str, invocation: Invocation, rules: Judgement) -> bool:
    """Tell whether this warning of dbt itself makes the run one."""
    if rules.warnings == "deprecations":
        return "Deprecat" in warning or warning in _RENAMED
    return rules.warnings == "all" and not (warning in _OF_NOTHING and did_nothing(invocation))


def what_nothing(invocation: Invocation) -> str:
    """Say that an invocation had no nodes, and why."""
    return f"{verb(invocation.command)} nothing: {_why_nothing(invocation)}"


def did_nothing(invocation: Invocation) -> bool:
    """Tell whether an invocation that is about nodes had none."""
    if is_list(invocation.command):  # in a script, where it has no table, the script itself reads what is listed
        return 0 in invocation.tables.values()
    if invocation.unknown or invocation.retried:  # all of it may have been
        return False
    return verb(invocation.command) is not None and all(node.resource_type == "operation" for node in invocation.nodes)


def _why_nothing(invocation: Invocation) -> str:
    if invocation.command == "retry":
        return "no node of the earlier run failed or was skipped"
    if invocation.selection:
        return f"`{invocation.selection}` selects nothing"
    if invocation.command.startswith("source"):
        return "no source of the project has a `freshness`"
    return "the project has no nodes for it"


def invocation_name(invocation: Invocation, results: Results) -> str:
    """Name an invocation in a sentence; with its number where there are several."""
    number = f" (number {invocation.number})" if len(results.invocations) > 1 else ""
    return f"`{invocation.title}`{number}"
