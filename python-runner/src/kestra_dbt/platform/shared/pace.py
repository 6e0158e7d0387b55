"""The pace at which the requests of one process call an account, so that together they stay below its rate limit."""

import re
import threading
import time

import httpx

_CALLS_PER_S = 50.0
"""The platform allows an account 5,000 calls a minute, over all who call it. This leaves two fifths to others."""

_ACCOUNT = re.compile(r"/accounts/\d+/")


class Pace:
    """Gives each call its time: at once while there are few, one after the other when there are many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._next: dict[str, float] = {}

    def wait_s(self, url: httpx.URL) -> float:
        """Return the seconds until a call of ``url`` may be made, which it then has to be."""
        key, now = _whose(url), time.monotonic()
        with self._lock:
            at = max(now, self._next.get(key, now))
            self._next[key] = at + 1 / _CALLS_PER_S
        return at - now

    def hold(self, url: httpx.URL, seconds: float) -> None:
        """Let nobody else call the account of ``url`` for so long, which has refused a call as one too many."""
        key, until = _whose(url), time.monotonic() + seconds
        with self._lock:
            self._next[key] = max(until, self._next.get(key, until))


def _whose(url: httpx.URL) -> str:
    account = _ACCOUNT.search(url.path)
    return f"{url.host}{account[0] if account else ''}"
