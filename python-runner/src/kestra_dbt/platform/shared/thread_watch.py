"""The watch of a request that shares its process with others: no signals, and no timer of its own."""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import ClassVar

from kestra_dbt.platform.watch import Watch

_BEAT_S = 0.5


class ThreadWatch(Watch):
    """Waits on a condition; one thread for all of them looks whether one is to be interrupted."""

    _watches: ClassVar[set["ThreadWatch"]] = set()
    _watches_lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(
        self, take_stop: Callable[[], float | None], limit_s: float | None, is_unread: Callable[[], bool]
    ) -> None:
        super().__init__(take_stop, limit_s, is_unread)
        self._changed = threading.Condition()

    @contextlib.contextmanager
    def installed(self) -> Iterator[None]:
        """Be looked at for as long as the block lasts."""
        with self._watches_lock:
            self._watches.add(self)
        try:
            yield
        finally:
            with self._watches_lock:
                self._watches.discard(self)

    def sleep(self, seconds: float) -> None:
        """Wait."""
        with self.open():
            self.pause(seconds)

    def pause(self, seconds: float) -> None:
        """Wait, in a block that may be interrupted or not.

        Raises:
            InterruptedWaitError: it was given up before.
        """
        self._wait(lambda: False, time.monotonic() + seconds)

    def wait_until(self, done: Callable[[], bool], until: float | None = None) -> None:
        """Wait until something is so, which has to be told by `wake`, or until a time of the monotonic clock.

        Raises:
            InterruptedWaitError: it was given up before, in a block that may be interrupted.
        """
        self._wait(done, until)

    def wake(self) -> None:
        """Let what is waited for be looked at."""
        with self._changed:
            self._changed.notify_all()

    def _wait(self, done: Callable[[], bool], until: float | None) -> None:
        with self._changed:
            while not done():
                self._raise_if_due()
                ends = [at for at in (until, self._limit if self._open else None) if at is not None]
                left = min(ends) - time.monotonic() if ends else None
                if until is not None and time.monotonic() >= until:
                    return
                self._changed.wait(left if left is None else max(left, 0.001))

    def _look(self) -> None:
        self._look_for_stop()
        if self._reason is not None or self._is_unread():
            self.wake()

    @classmethod
    def look_after_all(cls, ended: threading.Event) -> None:
        """Look, every half second, whether somebody is to be interrupted, until it has ``ended``."""
        while not ended.wait(_BEAT_S):
            with cls._watches_lock:
                watches = list(cls._watches)
            for watch in watches:
                watch._look()
