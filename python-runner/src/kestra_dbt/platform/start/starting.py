"""The run that a request is about: started, resumed or adopted, so that there is one, and never two."""

from collections.abc import Callable

from kestra_dbt.platform.api.calls import Api
from kestra_dbt.platform.api.errors import PlatformError, RefusedError
from kestra_dbt.platform.api.models import Run
from kestra_dbt.platform.api.statuses import ERROR, has_ended, word
from kestra_dbt.platform.start.cause import cause_of
from kestra_dbt.platform.start.once import Starter
from kestra_dbt.platform.start.ours import IsOurs, find, next_step, retries_of, with_token
from kestra_dbt.platform.telling import Telling
from kestra_dbt.platform.watch import Watch
from kestra_dbt.protocol import Level, PlatformRetry, PlatformTrigger

_REASONS = {
    "RETRY_UNSUPPORTED_CMD": "a command of it cannot be retried",
    "RETRY_UNSUPPORTED_VERSION": "its dbt is older than 1.6",
    "RETRY_NOT_LATEST_RUN": "it is not the latest run of its job",
    "RETRY_NOT_FAILED_RUN": "it did not fail",
    "RETRY_NO_RUN_RESULTS": "it left no results",
}
"""The platform's reasons why a run cannot be retried."""


class Starting:
    """Brings a run about; keeps what a stop in the middle has to know."""

    def __init__(self, api: Api, watch: Watch, telling: Telling) -> None:
        self._api = api
        self._watch = watch
        self._telling = telling
        self._starter: Starter | None = None
        self._sent_again = False
        self.run: Run | None = None
        """The run, as soon as there is one."""

    def trigger(self, request: PlatformTrigger, job_id: int) -> Run:
        """Return the run that the request's token stands for."""
        ours = with_token(request.token)
        known = find(self._api, job_id, ours)
        step = next_step(known, request.reported, resume=request.on_retry == "resume")
        if step.act == "adopt" and step.run is not None:
            too_many = [run for run in known if ours(run) and not has_ended(run) and run.id != step.run.id]
            self._cancel(too_many, step.run)
            return self._adopt(step.run, f"an earlier attempt has started it for `{request.token}`")
        if step.act == "retry" and step.run is not None:
            resumed = self._resume(step.run)
            if resumed is not None:
                return resumed
        overrides = request.overrides.model_dump(exclude_defaults=True)
        body = {name: value for name, value in overrides.items() if value != ""}  # the platform refuses empty texts
        body["cause"] = cause_of(request.cause, request.link, request.token)
        return self._start(lambda: self._api.start(job_id, body), job_id, ours, known)

    def retry(self, request: PlatformRetry) -> Run:
        """Return the retry of the request's run.

        Raises:
            RefusedError: it cannot be retried.
        """
        failed = self._api.run(request.run_id)
        job_id = _job_of(failed)
        ours = retries_of(failed.id)
        known = find(self._api, job_id, ours)
        untold = [run for run in known if run.id not in request.reported]
        active = next((run for run in untold if not has_ended(run)), untold[-1] if untold else None)
        if active is not None:
            return self._adopt(active, f"it retries run {failed.id} already")
        if known:  # each retry resumes what the one before has left
            failed = self._api.run(known[-1].id)
        reason = _why_not(failed)
        if reason:
            raise RefusedError(f"Run {failed.id} ({word(failed)}) cannot be retried: {reason}.")
        return self._start(lambda: self._api.retry(failed.id), job_id, retries_of(failed.id), known)

    def left_behind(self, settle_s: float) -> Run | None:
        """After an interruption: return the run, if one was started, or may have been."""
        if self.run is None and self._starter is not None and self._starter.in_doubt:
            self.run = self._starter.look_up(settle_s)
        return self.run

    def _resume(self, failed: Run) -> Run | None:
        failed = self._api.run(failed.id)  # lists need not tell whether it can be retried
        reason = _why_not(failed)
        if reason is None:
            self._telling.say(Level.INFO, f"Run {failed.id} failed: it is retried from its failure.")
            job_id, ours = _job_of(failed), retries_of(failed.id)
            try:
                return self._start(lambda: self._api.retry(failed.id), job_id, ours, [])
            except RefusedError as refused:
                reason = refused.sentence.rstrip(".")
        text = f"Run {failed.id} failed and cannot be retried from its failure: {reason}. A new run is started."
        self._telling.say(Level.WARN, text)
        return None

    def _adopt(self, run: Run, why: str) -> Run:
        self.run = run
        how = "has ended" if has_ended(run) else f"is {word(run)}"
        self._telling.say(Level.INFO, f"Run {run.id} {how} and is adopted: {why}. {self._telling.page(run)}")
        self._telling.run(run)
        return run

    def _start(self, send: Callable[[], Run], job_id: int, is_ours: IsOurs, known: list[Run]) -> Run:
        before = {run.id for run in known}

        def new_ones() -> list[Run]:
            return [run for run in find(self._api, job_id, is_ours) if run.id not in before]

        self._starter = Starter(new_ones, self._watch, self._telling.say)
        started = self._starter.start(send)
        self.run = started.run
        self._telling.say(Level.INFO, f"Run {started.run.id} was started: {self._telling.page(started.run)}")
        self._telling.run(started.run)
        self._sent_again = started.sent_again
        return started.run

    def only_one(self, run: Run) -> Run:
        """Look again, a while after something was sent twice: return the run to follow, and cancel what is too many."""
        if not self._sent_again or self._starter is None:
            return run
        self._sent_again = False
        oldest, others = self._starter.second_one(run)
        self._cancel(others, oldest)
        if oldest.id != run.id:
            self.run = oldest
            self._telling.run(oldest)
        return oldest

    def _cancel(self, others: list[Run], followed: Run) -> None:
        for other in others:
            text = f"Run {other.id} was started as well: it is cancelled, and run {followed.id} followed."
            self._telling.say(Level.WARN, text)
            try:
                self._api.cancel(other.id)
            except PlatformError as error:
                self._telling.say(Level.ERROR, f"Run {other.id} could not be cancelled: {error.sentence}")


def _why_not(run: Run) -> str | None:
    """Return why a run cannot be retried; None if it can."""
    if run.can_retry or (run.can_retry is None and run.status == ERROR):
        return None
    code = run.retry_not_supported_reason or ""
    return _REASONS.get(code, code) or f"it is {word(run)}"


def _job_of(run: Run) -> int:
    if run.of_job is None:
        raise RefusedError(f"Run {run.id} is of no job, so it cannot be retried.")
    return run.of_job
