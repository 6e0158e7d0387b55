"""The end of a run that was followed: all that it has left, and the verdict."""

from kestra_dbt.platform.api.errors import PlatformError
from kestra_dbt.platform.api.models import Run
from kestra_dbt.platform.api.patience import paced
from kestra_dbt.platform.leavings.judgement import as_warning, judge
from kestra_dbt.platform.session import Session
from kestra_dbt.platform.steps import dbt_steps
from kestra_dbt.protocol import Following, Level
from kestra_dbt.report.verdict import Verdict

_SAVED_S = 60.0
"""Seconds after its end in which a run's artifacts should be there."""

_LOOK_EVERY_S = 2.0


def bring_all(here: Session, run: Run, following: Following) -> Verdict:
    """Bring all that a run that has ended has left, and judge it."""
    run = _whole(here, run)
    try:
        here.progress.take(run)
        here.collection.bring(run, compiled=following.compiled)
    except PlatformError as error:
        here.collection.lost.append("what the run left")
        here.telling.say(Level.ERROR, error.sentence)
    verdict = judge(run, here.results, here.collection.lost)
    return as_warning(verdict) if following.tolerant else verdict


def _whole(here: Session, run: Run) -> Run:
    """Return the run as it is once its artifacts are saved, with all its logs."""
    waited, limit = 0.0, paced(_SAVED_S)
    every = paced(_LOOK_EVERY_S)
    try:
        while run.artifacts_saved is False and dbt_steps(run) and waited < limit:
            here.watch.sleep(every)
            waited += every
            run = here.api.run(run.id)
        return here.api.run(run.id, debug_logs=True)
    except PlatformError as error:
        here.telling.say(Level.WARN, f"Not all is known of run {run.id}: {error.sentence}")
        return run
