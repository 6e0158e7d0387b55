"""Waiting in tests for what comes about by itself."""

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], limit_s: float = 60) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)
