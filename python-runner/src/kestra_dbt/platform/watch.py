"""Waiting that can be interrupted: by a stop, by the end of the time that was given, by the reader's death."""

import contextlib
import enum
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator


class Reason(enum.Enum):
    """Why waiting was interrupted."""

    STOPPED = "stopped"
    OVERDUE = "overdue"
    UNREAD = "unread"
    GRACE_OVER = "grace over"


class InterruptedWaitError(Exception):
    """What was being waited for is given up. Raised only where nothing can be torn by it: see `Watch.open`."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.value)
        self.reason = reason


class Watch(ABC):
    """Knows why and when one request is to be interrupted. How waiting is cut short is for the subclasses."""

    def __init__(
        self, take_stop: Callable[[], float | None], limit_s: float | None, is_unread: Callable[[], bool]
    ) -> None:
        """Count from now.

        Args:
            take_stop: tells the seconds of grace if a stop was asked for.
            limit_s: seconds after which it is overdue; None: never.
            is_unread: tells whether nobody reads any more what is told.
        """
        self._take_stop = take_stop
        self._is_unread = is_unread
        self._limit = None if limit_s is None else time.monotonic() + limit_s
        self._reason: Reason | None = None
        self._interrupted = False
        self._open = False
        self.grace_s: float | None = None
        """What the stop, if it said so, gives for an end."""

    @abstractmethod
    def installed(self) -> contextlib.AbstractContextManager[None]:
        """Look out for as long as the block lasts."""

    @abstractmethod
    def sleep(self, seconds: float) -> None:
        """Wait.

        Raises:
            InterruptedWaitError: it was given up before.
        """

    @property
    def in_grace(self) -> bool:
        """Whether it was interrupted, and what follows is the end."""
        return self._interrupted

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        """Let the block be interrupted, at any point of it; everything else is not.

        Raises:
            InterruptedWaitError: it was.
        """
        self._open = True
        try:
            self._raise_if_due()
            yield
        finally:
            self._open = False

    def lift_limit(self) -> None:
        """What is waited for has come: only a stop interrupts what follows."""
        self._limit = None

    def begin_grace(self, seconds: float) -> None:
        """After an interruption: let waiting go on for so long, in which nothing else interrupts it."""
        self._interrupted = True
        self._reason = None
        self._limit = time.monotonic() + seconds

    def _look_for_stop(self) -> None:
        grace_s = self._take_stop()
        if grace_s is not None:
            self._stop(grace_s)

    def _stop(self, grace_s: float | None) -> None:
        if not self._interrupted and self._reason is None:
            self._reason, self.grace_s = Reason.STOPPED, grace_s

    def _raise_if_due(self) -> None:
        if not self._open:
            return
        if self._reason is None and not self._interrupted and self._is_unread():
            self._reason = Reason.UNREAD
        if self._reason is None and self._limit is not None and time.monotonic() >= self._limit:
            self._reason = Reason.GRACE_OVER if self._interrupted else Reason.OVERDUE
        if self._reason is not None:
            self._open = False
            raise InterruptedWaitError(self._reason)
