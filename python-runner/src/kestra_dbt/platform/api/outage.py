"""A time in which requests fail, as the log tells it: when it begins, now and then, and when it is over."""

import time
from collections.abc import Callable

from kestra_dbt.protocol import Level

_SAY_EVERY_S = 300.0
_WORTH_SAYING_S = 30.0


class Outage:
    """Of one request."""

    def __init__(self, say: Callable[[Level, str], None], what: str) -> None:
        self._say = say
        self._what = what
        self._began = time.monotonic()
        self._said_at: float | None = None
        self.failures = 0
        """In a row."""

    def failed(self, why: str, wait_s: float) -> None:
        """Note that the request failed, and is sent again after ``wait_s`` seconds."""
        self.failures += 1
        now = time.monotonic()
        if self._said_at is None or now - self._said_at >= _SAY_EVERY_S or wait_s >= _WORTH_SAYING_S:
            since = f", for {now - self._began:.0f} s now" if self._said_at is not None else ""
            self._say(
                Level.WARN,
                f"The dbt platform cannot be asked for {self._what}{since} ({why}): it is tried again in "
                f"{wait_s:.0f} s, and so on.",
            )
            self._said_at = now

    def over(self) -> None:
        """Note that the request got its answer."""
        if self._said_at is not None:
            self._say(Level.INFO, f"The dbt platform answers again, after {time.monotonic() - self._began:.0f} s.")
