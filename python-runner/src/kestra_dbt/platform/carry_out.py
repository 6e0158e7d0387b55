"""Carries out one request for the dbt platform, from its first check to the Ended event."""

from collections.abc import Callable
from pathlib import Path

from kestra_dbt.platform.api.errors import PlatformError
from kestra_dbt.platform.caller import Caller
from kestra_dbt.platform.giving_up import nothing_begun
from kestra_dbt.platform.leavings.artifacts import bring_artifacts
from kestra_dbt.platform.listing import list_jobs, list_runs
from kestra_dbt.platform.session import Session, session
from kestra_dbt.platform.tasks import cancel_run, follow_run, retry_run, trigger_run
from kestra_dbt.platform.watch import InterruptedWaitError
from kestra_dbt.protocol import (
    Event,
    Outcome,
    PlatformArtifacts,
    PlatformCancel,
    PlatformFollow,
    PlatformJobs,
    PlatformRequest,
    PlatformRetry,
    PlatformRuns,
    PlatformTrigger,
    Secrets,
)
from kestra_dbt.report.ending import report_end, report_verdict
from kestra_dbt.report.results import NODES_FILE
from kestra_dbt.report.verdict import Verdict


def run(
    request: PlatformRequest,
    secrets: Secrets,
    output: Path,
    caller: Caller,
) -> int:
    """Carry out ``request``, and return the exit code: 0 success, 1 the run failed, 2 an error, 130 stopped.

    Args:
        request: what is wanted.
        secrets: with the token.
        output: folder for what it leaves.
        caller: for whom it is done.

    Raises:
        KestraDbtError: it can't even be begun, for a reason in the request.
    """
    following = getattr(request, "following", None)
    watch = caller.watching(caller.take_stop, following and following.max_duration_s, caller.is_unread)
    with session(request, secrets, output, watch, caller) as here:
        try:
            end = _carry_out(request, here)
        except PlatformError as error:
            end = Verdict(Outcome.FAILED, 2, error.as_failure())
        except InterruptedWaitError as interrupted:
            end = nothing_begun(interrupted.reason)
        _report(end, here, caller.emit)
        return end.exit_code


def _report(end: Verdict, here: Session, emit: Callable[[Event], None]) -> None:
    here.results.close()
    summary = here.results.summary(here.seconds)
    if here.followed:
        here.folder.announce(NODES_FILE)
        report_end(end, here.results, summary, here.folder, emit)
    else:
        report_verdict(end, summary, emit)


def _carry_out(request: PlatformRequest, here: Session) -> Verdict:  # noqa: PLR0911 - one for each kind
    match request:
        case PlatformTrigger():
            return trigger_run(request, here)
        case PlatformFollow():
            return follow_run(request, here)
        case PlatformRetry():
            return retry_run(request, here)
        case PlatformCancel():
            return cancel_run(request, here)
        case PlatformArtifacts():
            return bring_artifacts(request, here)
        case PlatformJobs():
            return list_jobs(request, here)
        case PlatformRuns():
            return list_runs(request, here)
