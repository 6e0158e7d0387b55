"""Cancelling a run, and seeing that it is cancelled."""

import time
from dataclasses import dataclass

from kestra_dbt.platform.api.errors import PlatformError, RefusedError
from kestra_dbt.platform.api.models import Run
from kestra_dbt.platform.api.statuses import has_ended, word
from kestra_dbt.platform.session import Session
from kestra_dbt.platform.watch import InterruptedWaitError
from kestra_dbt.protocol import Level

_LOOK_EVERY_S = 1.0


@dataclass(frozen=True)
class Stopped:
    """What a cancellation came to."""

    run: Run
    said: str
    """In words that end a sentence."""


def cancel(here: Session, run: Run, grace_s: float, poll_s: float) -> Stopped:
    """Cancel ``run`` and wait until it is, for as long as the grace lasts, which has begun."""
    began = time.monotonic()
    try:
        run = here.api.run(run.id)
        if has_ended(run):
            here.progress.take(run)
        else:
            here.telling.say(Level.INFO, f"Run {run.id} is being cancelled.")
            run = until_ended(here, ask(here, run), poll_s)
    except InterruptedWaitError:
        said = f"was told to cancel, but is still {word(run)} after {grace_s:.0f} s: look at it on the dbt platform"
    except PlatformError as error:
        said = f"could not be cancelled, so it may go on: {error.sentence.rstrip('.')}"
    else:
        said = _ending(run, time.monotonic() - began)
    return Stopped(run, said)


def ask(here: Session, run: Run) -> Run:
    """Ask for ``run`` to be cancelled, and return it.

    Raises:
        PlatformError: that is refused, and not because it has ended in the meantime.
    """
    try:
        here.api.cancel(run.id)
    except RefusedError:
        run = here.api.run(run.id)
        if not has_ended(run):
            raise
    return run


def until_ended(here: Session, run: Run, poll_s: float) -> Run:
    """Return ``run``, which is being cancelled, when it is over."""
    while True:
        run = here.api.run(run.id)
        here.progress.take(run)
        if has_ended(run):
            return run
        here.watch.sleep(min(poll_s, _LOOK_EVERY_S))


def left(run: Run) -> str:
    """Return the words for a run that is left to itself."""
    return f"goes on, on the dbt platform, for it is to be left; it was {word(run)} when last seen"


def _ending(run: Run, seconds: float) -> str:
    if word(run) == "cancelled":
        return f"was cancelled on the dbt platform within {seconds:.0f} s"
    return f"had ended before it could be cancelled: {word(run)}"
