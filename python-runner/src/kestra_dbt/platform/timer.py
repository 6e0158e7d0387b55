"""The watch of a process that carries out one request alone."""

import contextlib
import signal
import time
from collections.abc import Iterator
from types import FrameType

from kestra_dbt.platform.watch import Watch

_BEAT_S = 0.2

_SIGNALS = (signal.SIGTERM, signal.SIGINT)


class TimerWatch(Watch):
    """Looks every 0.2 s, by a timer of the system, so that even a call that hangs is interrupted."""

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Look out for as long as the block lasts, for signals too."""
        handlers = {number: signal.signal(number, self._signalled) for number in _SIGNALS}
        alarm = signal.signal(signal.SIGALRM, self._beat)
        signal.setitimer(signal.ITIMER_REAL, _BEAT_S, _BEAT_S)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            for number, handler in {**handlers, signal.SIGALRM: alarm}.items():
                signal.signal(number, handler)

    def sleep(self, seconds: float) -> None:
        """Wait; the timer interrupts it."""
        with self.open():
            time.sleep(max(0.0, seconds))

    def _signalled(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as handlers are called
        if self._interrupted:  # a second one: do not wait any longer
            self._limit = time.monotonic()
        self._stop(None)
        self._raise_if_due()

    def _beat(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as handlers are called
        self._look_for_stop()
        self._raise_if_due()
