"""A stop as the process that runs dbt sees it."""

import contextlib
import os
import signal
import threading
import time
from types import FrameType

from dbt.adapters.factory import FACTORY

from kestra_dbt.stop_file import GRACE_S

_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_CANCEL_EVERY_S = 1.0


class Interruption:
    """Turns the first signal into an interrupt of dbt, and sees to it that dbt's queries are cancelled.

    On an interrupt dbt cancels the queries of all its open connections, once, and waits for its threads. A thread
    that opens its connection a moment later would run its query to the end: so they are cancelled again and again
    until dbt is done. Further signals would only disturb dbt in this: the supervisor's last one can't be caught.
    """

    def __init__(self) -> None:
        self._done = threading.Event()
        self.has_come = False
        """Whether there was a signal."""

    def install(self) -> None:
        """Take over both signals. A script's background jobs start with the interrupt ignored: this ends that, too."""
        for number in _SIGNALS:
            signal.signal(number, self._interrupt)

    def finish(self) -> None:
        """dbt is done: what remains is to report, which nothing should interrupt."""
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        self._done.set()

    def _interrupt(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002 - as handlers are called
        self.has_come = True
        for ignored in _SIGNALS:
            signal.signal(ignored, signal.SIG_IGN)
        threading.Thread(target=self._keep_cancelling, name="cancel", daemon=True).start()
        raise KeyboardInterrupt

    def _keep_cancelling(self) -> None:
        while not self._done.wait(_CANCEL_EVERY_S):
            for adapter in list(FACTORY.adapters.values()):
                with contextlib.suppress(Exception):  # a connection may be gone, or the warehouse: there is a next time
                    _cancel(adapter)


def _cancel(adapter: "object") -> None:
    if adapter.is_cancelable():  # type: ignore[attr-defined]
        with adapter.connection_named("cancel"):  # type: ignore[attr-defined]
            for _ in adapter.cancel_open_connections():  # type: ignore[attr-defined]
                pass


def end_without_supervisor() -> None:
    """Stop this process, and what else is in its group, as a supervisor would, which is gone."""
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(GRACE_S)
    os.killpg(0, signal.SIGKILL)
