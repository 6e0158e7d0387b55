"""What each request about one run comes to."""

from collections.abc import Callable
from typing import Literal

from kestra_dbt.errors import RequestError
from kestra_dbt.platform.api.models import Run
from kestra_dbt.platform.api.patience import paced
from kestra_dbt.platform.api.statuses import SUCCESS, has_ended, word
from kestra_dbt.platform.finding import job_id_of
from kestra_dbt.platform.following import Follower
from kestra_dbt.platform.giving_up import give_up
from kestra_dbt.platform.leavings.bringing import bring_all
from kestra_dbt.platform.session import Session
from kestra_dbt.platform.start.starting import Starting
from kestra_dbt.platform.stopping import ask, until_ended
from kestra_dbt.platform.watch import InterruptedWaitError
from kestra_dbt.protocol import (
    Following,
    Level,
    Outcome,
    PlatformCancel,
    PlatformFollow,
    PlatformRetry,
    PlatformTrigger,
)
from kestra_dbt.report.verdict import Verdict

_SETTLE_S = 10.0
"""Seconds after a stop in which a run that may have been started is looked for."""

OnKill = Literal["cancel", "leave"]


def trigger_run(request: PlatformTrigger, here: Session) -> Verdict:
    """Start a run, or adopt the one that was started before, and follow it."""
    job_id = job_id_of(here.api, request.job)
    starting = Starting(here.api, here.watch, here.telling)
    return _brought_about(
        here, starting, lambda: starting.trigger(request, job_id), request.following, no_wait=request.no_wait
    )


def retry_run(request: PlatformRetry, here: Session) -> Verdict:
    """Retry a run from its failure, or adopt the retry that was started before, and follow it."""
    starting = Starting(here.api, here.watch, here.telling)
    return _brought_about(here, starting, lambda: starting.retry(request), request.following, no_wait=request.no_wait)


def follow_run(request: PlatformFollow, here: Session) -> Verdict:
    """Tell how a run is, and follow it to its end unless it is only to be looked at."""
    run = here.api.run(request.run_id) if request.run_id else _latest_success(request, here)
    if request.no_wait:
        here.telling.run(run)
        here.telling.say(Level.INFO, f"Run {run.id} is {word(run)}: {here.telling.page(run)}")
        return Verdict(Outcome.SUCCESS, 0)
    here.telling.say(Level.INFO, f"Run {run.id} is followed: {here.telling.page(run)}")
    return _followed(here, run, request.following, "leave", lambda known: known)


def _latest_success(request: PlatformFollow, here: Session) -> Run:
    named = {"job_definition_id": request.job_id, "environment_id": request.environment_id}
    for run in here.api.runs(order_by="-id", status=SUCCESS, **named):
        if run.status == SUCCESS:
            return here.api.run(run.id)
    of = f"job {request.job_id}" if request.job_id else f"environment {request.environment_id}"
    raise RequestError(f"The {of} has no successful run that the token may see.")


def cancel_run(request: PlatformCancel, here: Session) -> Verdict:
    """Cancel a run; one that has ended is left as it is."""
    run = here.api.run(request.run_id)
    here.telling.run(run)
    if has_ended(run):
        here.telling.say(Level.INFO, f"Run {run.id} has ended already: {word(run)}. There is nothing to cancel.")
        return Verdict(Outcome.SUCCESS, 0)
    run = ask(here, run)
    here.telling.say(Level.INFO, f"Run {run.id} is being cancelled: {here.telling.page(run)}")
    if not request.no_wait:
        until_ended(here, run, request.following.poll_s)
    return Verdict(Outcome.SUCCESS, 0)


def _brought_about(
    here: Session, starting: Starting, start: Callable[[], Run], following: Following, *, no_wait: bool
) -> Verdict:
    try:
        run = start()
        if no_wait:
            starting.only_one(run)
            return Verdict(Outcome.SUCCESS, 0)
    except InterruptedWaitError as interrupted:
        return give_up(
            here,
            interrupted,
            lambda: starting.left_behind(paced(_SETTLE_S)),
            _killing(following, "cancel"),
        )
    return _followed(here, run, following, "cancel", starting.only_one)


def _followed(
    here: Session, run: Run, following: Following, on_kill: OnKill, at_first: Callable[[Run], Run]
) -> Verdict:
    here.followed = True
    follower = Follower(here.api, here.watch, here.progress, run)
    try:
        run = follower.to_its_end(following.poll_s, here.rest, at_first)
        here.watch.lift_limit()
        return bring_all(here, run, following)
    except InterruptedWaitError as interrupted:
        return give_up(
            here,
            interrupted,
            lambda: follower.run,
            _killing(following, on_kill),
        )


def _killing(following: Following, default: OnKill) -> Following:
    return following.model_copy(update={"on_kill": following.on_kill or default})
