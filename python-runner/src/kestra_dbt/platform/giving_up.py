"""The end of a request whose wait was interrupted: what becomes of the run on the platform, and how that is said."""

import contextlib
from collections.abc import Callable

from kestra_dbt.platform.api.errors import PlatformError
from kestra_dbt.platform.api.models import Run
from kestra_dbt.platform.api.patience import paced
from kestra_dbt.platform.api.statuses import has_ended
from kestra_dbt.platform.leavings.bringing import bring_all
from kestra_dbt.platform.session import Session
from kestra_dbt.platform.stopping import cancel, left
from kestra_dbt.platform.watch import InterruptedWaitError, Reason
from kestra_dbt.protocol import Failure, FailureCode, Following, Outcome
from kestra_dbt.report.verdict import Verdict

_GRACE_S = 60.0
"""Seconds in which a cancellation is waited for where no stop says how long."""

_STOPPED_CODE = 130


def give_up(
    here: Session,
    interrupted: InterruptedWaitError,
    find_run: Callable[[], Run | None],
    following: Following,
) -> Verdict:
    """Cancel or leave the run, bring what it has left until then, and return the verdict.

    Args:
        here: what was interrupted.
        interrupted: why.
        find_run: returns the run, if one was or may have been started.
        following: how it was to be followed, and what becomes of it.
    """
    if interrupted.reason is Reason.UNREAD:
        return _unread()
    grace_s = here.watch.grace_s if here.watch.grace_s is not None else paced(_GRACE_S)
    here.watch.begin_grace(grace_s)
    try:
        run = find_run()
    except (PlatformError, InterruptedWaitError):
        return _verdict(here, interrupted.reason, following, "whether a run was started could not be found out")
    if run is None:
        return nothing_begun(interrupted.reason)
    if following.on_kill == "leave" and not has_ended(run):
        return _verdict(here, interrupted.reason, following, f"run {run.id} {left(run)}")
    stopped = cancel(here, run, grace_s, following.poll_s)
    if has_ended(stopped.run):
        with contextlib.suppress(PlatformError, InterruptedWaitError):  # what is there by then is told
            bring_all(here, stopped.run, following)
    return _verdict(here, interrupted.reason, following, f"run {stopped.run.id} {stopped.said}")


def nothing_begun(reason: Reason) -> Verdict:
    """Return the verdict about what was interrupted before it came to anything on the platform."""
    if reason is Reason.UNREAD:
        return _unread()
    if reason is Reason.OVERDUE:
        return _failed(FailureCode.PLATFORM, "`maxDuration` was over before anything was begun on the dbt platform.", 1)
    return _failed(FailureCode.KILLED, "It was stopped before anything was begun on the dbt platform.", _STOPPED_CODE)


def _verdict(here: Session, reason: Reason, following: Following, what: str) -> Verdict:
    if reason is Reason.OVERDUE:
        limit = following.max_duration_s or 0
        return _failed(FailureCode.PLATFORM, f"It took longer than `maxDuration` ({limit:g} s): {what}.", 1)
    finished = len(here.results.nodes)
    after = f" after {finished} {'node' if finished == 1 else 'nodes'}" if finished else ""
    return _failed(FailureCode.KILLED, f"It was stopped{after}: {what}.", _STOPPED_CODE)


def _failed(code: FailureCode, sentence: str, exit_code: int) -> Verdict:
    failure = Failure(code=code, sentence=sentence)
    return Verdict(Outcome.FAILED, exit_code, failure, stopped=code is FailureCode.KILLED)


def _unread() -> Verdict:
    """Nobody hears it: whoever asks for it next adopts the run."""
    return _failed(FailureCode.KILLED, "Nobody reads any more what is told: the run is left as it is.", _STOPPED_CODE)
