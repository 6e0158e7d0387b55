"""The end of every run: its pages, its figures, why it failed, and that it is over."""

from collections.abc import Callable
from datetime import datetime, timezone

from kestra_dbt.protocol import Ended, Event, Level, Log, Metric, Outcome, Summary
from kestra_dbt.report.output import OutputFolder
from kestra_dbt.report.page.writing import REPORT_FILE, write_page
from kestra_dbt.report.results import Results
from kestra_dbt.report.summary import SUMMARY_FILE, summary_page
from kestra_dbt.report.verdict import Verdict


def report_end(
    end: Verdict, results: Results, summary: Summary, folder: OutputFolder, emit: Callable[[Event], None]
) -> None:
    """Write the pages, and report the figures and the verdict."""
    folder.path(SUMMARY_FILE).write_text(summary_page(results, summary, end), encoding="utf-8")
    folder.announce(SUMMARY_FILE)
    _try_page(end, results, summary, folder, emit)
    for outcome in Outcome:
        emit(Metric(type="counter", name="nodes", value=getattr(summary, outcome.value), tags={"outcome": outcome}))
    emit(Metric(type="counter", name="rows", value=summary.rows_affected))
    emit(Metric(type="timer", name="duration", value=summary.seconds))
    report_verdict(end, summary, emit)


def _try_page(
    end: Verdict, results: Results, summary: Summary, folder: OutputFolder, emit: Callable[[Event], None]
) -> None:
    """A picture of the run changes nothing about it: what keeps it from being written is told, and that is all."""
    try:
        write_page(results, summary, end, folder)
    except Exception as error:  # noqa: BLE001 - see above
        message = f"{REPORT_FILE} could not be written: {error}"
        number = max(results.invocations, default=1)
        emit(Log(invocation=number, level=Level.WARN, at=datetime.now(timezone.utc), message=message))


def report_verdict(end: Verdict, summary: Summary, emit: Callable[[Event], None]) -> None:
    """Report how it ended; nothing follows."""
    if end.failure is not None:
        emit(end.failure)
    emit(Ended(outcome=end.outcome, exit_code=end.exit_code, reason=end.reason, summary=summary))
