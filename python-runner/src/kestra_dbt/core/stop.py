"""How a run is stopped: dbt is interrupted and cancels its queries; what has not ended within the grace is killed."""

import signal
import time
from dataclasses import dataclass

from kestra_dbt.core.processes import Child

_VERIFY_S = 2.0
"""Seconds after the grace in which a killed process has to be gone."""


@dataclass(frozen=True)
class StopReport:
    """What a stop came to."""

    grace_s: float
    forced: bool
    """Whether dbt had to be killed, so that nobody knows what its queries do."""
    survivors: tuple[str, ...] = ()
    """Processes that could not even be killed."""


class Stop:
    """One stop in progress: an interrupt, at half of the grace a termination, at its end a kill."""

    def __init__(self, child: Child, grace_s: float) -> None:
        now = time.monotonic()
        self._child = child
        self._grace_s = grace_s
        self._steps = [(now, signal.SIGINT), (now + grace_s / 2, signal.SIGTERM), (now + grace_s, signal.SIGKILL)]
        self._forced = False

    def advance(self, *, dbt_runs: bool) -> None:
        """Take the steps that are due."""
        while self._steps and time.monotonic() >= self._steps[0][0]:
            _, number = self._steps.pop(0)
            self._forced = dbt_runs and number == signal.SIGKILL
            self._child.signal_all(number)

    def is_awaited(self) -> bool:
        """Tell whether there is something left that may still end by itself."""
        return bool(self._steps and self._child.left())

    def finish(self) -> StopReport:
        """Kill what is left, and verify that it is gone."""
        deadline = time.monotonic() + _VERIFY_S
        while (left := self._child.left()) and time.monotonic() < deadline:
            self._child.signal_all(signal.SIGKILL)
            time.sleep(0.02)
        return StopReport(self._grace_s, self._forced, tuple(map(str, left)))
