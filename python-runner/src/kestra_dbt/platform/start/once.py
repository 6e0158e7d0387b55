"""Starting a run exactly once, although the answer may be lost."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from kestra_dbt.platform.api.errors import FateUnknownError
from kestra_dbt.platform.api.models import Run
from kestra_dbt.platform.api.patience import paced
from kestra_dbt.platform.api.statuses import has_ended
from kestra_dbt.platform.watch import Watch
from kestra_dbt.protocol import Level

_SETTLE_S = 60.0
"""Seconds after which a run that was started is sure to be in the list of runs."""

_LOOK_EVERY_S = 3.0
_SENT_AT_MOST = 3


@dataclass(frozen=True)
class Started:
    """A run that was started, or found."""

    run: Run
    sent_again: bool = False
    """Whether there may be a second one."""


class Starter:
    """Sends what starts a run; knows, should it be interrupted, whether one may have been started."""

    def __init__(self, find: Callable[[], list[Run]], watch: Watch, say: Callable[[Level, str], None]) -> None:
        """``find`` returns the runs, the oldest first, that can only be the one to be started."""
        self._find = find
        self._watch = watch
        self._say = say
        self.in_doubt = False
        """Whether something was sent of which nobody knows what became."""

    def start(self, send: Callable[[], Run]) -> Started:
        """Start a run by ``send``, and return it.

        Raises:
            FateUnknownError: no answer came, as often as it was tried, and no run is there.
            PlatformError: the platform refuses.
        """
        for attempt in range(1, _SENT_AT_MOST + 1):
            self.in_doubt = True
            try:
                run = send()
            except FateUnknownError as lost:
                self._say(Level.WARN, f"{lost.sentence} Whether the run was started is looked up.")
                found = self.look_up(paced(_SETTLE_S))
                if found is not None:
                    self._say(Level.INFO, f"Run {found.id} was started all the same: it is followed.")
                    self.in_doubt = False
                    return Started(found, sent_again=attempt > 1)
                if attempt == _SENT_AT_MOST:
                    raise
                self._say(Level.WARN, "No run was started: it is asked for again.")
            else:
                self.in_doubt = False
                return Started(run, sent_again=attempt > 1)
        raise AssertionError("unreachable")

    def look_up(self, settle_s: float) -> Run | None:
        """Return the run that was started; None if none is there so many seconds after the platform could be asked."""
        until: float | None = None
        while True:
            found = self._find()
            if found:
                return found[0]
            now = time.monotonic()
            until = until or now + settle_s
            if now >= until:
                return None
            self._watch.sleep(min(paced(_LOOK_EVERY_S), until - now))

    def second_one(self, run: Run) -> tuple[Run, list[Run]]:
        """After something was sent again: return the run to follow, the oldest, and those that are too many."""
        found = self._find()
        if len(found) < 2:  # noqa: PLR2004 - two are one too many
            return run, []
        oldest, *others = found
        return oldest, [other for other in others if not has_ended(other)]
