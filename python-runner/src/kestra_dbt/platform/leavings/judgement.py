"""How a run of the platform ended, said honestly."""

from collections.abc import Iterable

from kestra_dbt.platform.api.models import Run, Step
from kestra_dbt.platform.api.statuses import CANCELLED, ERROR, SUCCESS
from kestra_dbt.platform.leavings.collecting import missing
from kestra_dbt.platform.steps import dbt_steps, in_order, title
from kestra_dbt.protocol import Failure, FailureCode, Judgement, Outcome
from kestra_dbt.report.failed_nodes import of_nodes
from kestra_dbt.report.results import Results
from kestra_dbt.report.verdict import Verdict
from kestra_dbt.report.warnings import passed
from kestra_dbt.terms.text import clean

_LAST_LINES = 15


def judge(run: Run, results: Results, lost: Iterable[str]) -> Verdict:
    """Judge a run that has ended.

    Args:
        run: with its steps and their logs.
        results: of its nodes.
        lost: what should have been brought and could not.
    """
    if run.status != SUCCESS:
        return Verdict(Outcome.FAILED, 1, _failure(run, results))
    return passed(results, Judgement(), doubts=_doubts(run, results, lost))


def as_warning(verdict: Verdict) -> Verdict:
    """Make a warning of a failure."""
    if verdict.failure is None:
        return verdict
    return Verdict(Outcome.WARNING, 0, reason=verdict.failure.sentence.rstrip("."))


def _doubts(run: Run, results: Results, lost: Iterable[str]) -> Iterable[str]:
    """Yield what makes a run a warning that the platform calls a success."""
    yield from missing(run, results)
    failed = [node for node in results.nodes if node.outcome is Outcome.FAILED]
    if failed:
        yield f"the platform calls run {run.id} a success, although {of_nodes(results.nodes).sentence.rstrip('.')}"
    not_brought = list(lost)
    if not_brought:
        more = f" and {len(not_brought) - 3} more" if len(not_brought) > 3 else ""  # noqa: PLR2004 - a sentence
        yield f"{', '.join(not_brought[:3])}{more} could not be brought from the platform"


def _failure(run: Run, results: Results) -> Failure:
    step = _failed_step(run)
    if run.status == CANCELLED:
        told = f" It says: {run.status_message.rstrip('.')}." if run.status_message else ""
        return _of(f"Run {run.id} was cancelled on the dbt platform, not by this task.{told}", step)
    for found in reversed(dbt_steps(run)):
        nodes = results.invocation(found.invocation).nodes
        if any(node.outcome is Outcome.FAILED for node in nodes):
            failure = of_nodes(nodes)
            where = f"In {_lower(title(found.step))} of run {run.id}, {failure.sentence}"
            return failure.model_copy(update={"sentence": where})
    if step is not None:
        return _of(f"{title(step)} of run {run.id} failed: {_gist(step) or run.status_message or 'see its log'}", step)
    return _of(f"Run {run.id} failed on the dbt platform: {run.status_message or 'it does not say why'}", None)


def _of(sentence: str, step: Step | None) -> Failure:
    lines = _lines(step)[-_LAST_LINES:] if step else []
    text = sentence if sentence.endswith(".") else f"{sentence}."
    return Failure(code=FailureCode.PLATFORM, sentence=text, detail="\n".join(lines) or None)


def _failed_step(run: Run) -> Step | None:
    return next((step for step in in_order(run) if step.status == ERROR), None)


def _gist(step: Step) -> str:
    """Return the last line of a step that says what was wrong."""
    telling = [line for line in _lines(step) if "error" in line.lower() or "failed" in line.lower()]
    return (telling or _lines(step) or [""])[-1][:300]


def _lines(step: Step | None) -> list[str]:
    text = (step and step.logs) or ""
    return [line.rstrip() for line in clean(text).splitlines() if line.strip()]


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
