"""One call that tells how a hundred runs are, so that who waits among many hears of the end of a run in time."""

import heapq
import threading
import time
from collections import defaultdict
from dataclasses import dataclass

from kestra_dbt.platform.api.calls import PAGE, Api
from kestra_dbt.platform.api.client import Account
from kestra_dbt.platform.api.errors import PlatformError
from kestra_dbt.platform.api.models import Run
from kestra_dbt.platform.shared.thread_watch import ThreadWatch

_LOOKS_PER_S = 20.0
"""At the runs of an account, one by one; less than half the pace: what brings the leavings of a run need not queue."""


@dataclass(eq=False)
class _Wait:
    """Somebody who waits for a run."""

    run: Run
    """As it was last looked at."""
    watch: ThreadWatch
    poll_s: float
    known_at: float
    """When its status was last asked for."""
    news: bool = False
    """Whether the run has to be looked at."""

    @property
    def due_at(self) -> float:
        return self.known_at + self.poll_s


class RollCall:
    """Knows who waits for which run, by account and token."""

    def __init__(self, looks_per_s: float = _LOOKS_PER_S) -> None:
        """``looks_per_s``: how often runs of an account are looked at, all in all, with their steps and logs."""
        self._looks_per_s = looks_per_s
        self._lock = threading.Lock()
        self._waits: defaultdict[Account, set[_Wait]] = defaultdict(set)

    def rest(self, api: Api, watch: ThreadWatch, run: Run, poll_s: float) -> None:
        """Wait until ``run`` has another status, or its steps are to be looked at: the more wait, the more seldom.

        Args:
            api: asks, for others too.
            watch: interrupts it.
            run: as it was last looked at.
            poll_s: seconds after which its status is asked for again.

        Raises:
            InterruptedWaitError: it was given up before.
        """
        wait = _Wait(run, watch, poll_s, known_at=time.monotonic())
        with self._lock:
            waits = self._waits[api.account]
            waits.add(wait)
            look_at = wait.known_at + max(poll_s, len(waits) / self._looks_per_s)
        try:
            while not wait.news and time.monotonic() < look_at:
                with watch.open():
                    watch.wait_until(lambda: wait.news, min(wait.due_at, look_at))
                if not wait.news and wait.due_at <= time.monotonic() < look_at:
                    self._call(api, wait, waits)
        finally:
            with self._lock:
                waits.discard(wait)

    def _call(self, api: Api, caller: _Wait, waits: set[_Wait]) -> None:
        """Ask how the runs are that are due first, unless somebody has done so just now."""
        with self._lock:
            now = time.monotonic()
            if caller.due_at > now:
                return
            called = heapq.nsmallest(PAGE, waits, key=lambda wait: wait.due_at)
            for wait in called:
                wait.known_at = now
        try:
            statuses = api.statuses([wait.run.id for wait in called])
        except PlatformError:
            statuses = {}  # what is wrong is told to each who looks for itself
        for wait in called:
            if statuses.get(wait.run.id) != wait.run.status:
                wait.news = True
                wait.watch.wake()
