"""Following a run to its end, through outages."""

from collections.abc import Callable

from kestra_dbt.platform.api.calls import Api
from kestra_dbt.platform.api.errors import NotFoundError
from kestra_dbt.platform.api.models import Run
from kestra_dbt.platform.api.statuses import has_ended
from kestra_dbt.platform.progress import Progress
from kestra_dbt.platform.watch import Watch

Resting = Callable[..., None]
"""Waits until a run is to be looked at again, given what is asked and what interrupts, the run, and seconds."""


def sleep(api: Api, watch: Watch, run: Run, poll_s: float) -> None:  # noqa: ARG001 - as `Resting` is called
    """Wait for these seconds."""
    watch.sleep(poll_s)


class Follower:
    """Polls one run, and knows it as it was last seen."""

    def __init__(self, api: Api, watch: Watch, progress: Progress, run: Run) -> None:
        self._api = api
        self._watch = watch
        self._progress = progress
        self.run = run

    def to_its_end(self, poll_s: float, rest: Callable[[Run, float], None], at_first: Callable[[Run], Run]) -> Run:
        """Return the run as it ended.

        Args:
            poll_s: seconds between two looks.
            rest: waits so long, given the run, or until it knows better.
            at_first: tells, at the second look, which run is followed from then on.

        Raises:
            NotFoundError: it was deleted.
            InterruptedWaitError: the wait was given up.
            PlatformError: the platform refuses to tell.
        """
        self.look()
        if has_ended(self.run):
            return self.run
        self._watch.sleep(poll_s)
        self.run = at_first(self.run)
        while True:
            self.look()
            if has_ended(self.run):
                return self.run
            rest(self.run, poll_s)

    def look(self) -> None:
        """Look once, and tell what is new."""
        try:
            self.run = self._api.run(self.run.id)
        except NotFoundError:
            self._watch.sleep(1.0)  # it may not be everywhere yet, or one server may err
            try:
                self.run = self._api.run(self.run.id)
            except NotFoundError as error:
                raise NotFoundError(
                    f"Run {self.run.id} is no longer there (404): it was deleted on the dbt platform, or the "
                    "token lost its permission.",
                    error.detail,
                ) from error
        self._progress.take(self.run)
