"""Faults: what goes wrong with which requests, how many times."""

from __future__ import annotations

import itertools
import re
import threading
from typing import Any, Literal

from pydantic import Field

from fake_platform.records import Record
from fake_platform.routing import NOT_FOUND, Reply, error_reply, html


class Fault(Record):
    """What goes wrong, with which requests. All that is set goes wrong at once."""

    method: str | None = None
    """Of the requests that meet it; any, if not set."""
    path: str = ""
    """A regular expression that is looked for in the path."""
    skip: int = 0
    """So many such requests go through first."""
    times: int | None = 1
    """So many meet it then; all that come, if null."""

    when: Literal["before", "after"] = "before"
    """Whether `delay_s`, `reset` and `status` come before the request is carried out, or instead of its answer."""
    delay_s: float = 0
    reset: bool = False
    """Reset the connection, without an answer."""
    status: int | None = None
    """Answer with this HTTP status."""
    as_html: bool = False
    """The answer with `status` is a page of HTML, as of a proxy, not the platform's envelope."""
    message: str = NOT_FOUND
    """What the answer with `status` says."""
    headers: dict[str, str] = Field(default_factory=dict)
    """Of the answer with `status`; `Retry-After`, for instance."""

    set: dict[str, Any] = Field(default_factory=dict)
    """Fields of the object that is returned, or of each in a list, that get these values: null, or unknown ones too."""
    cut_at: int | None = None
    """Close the connection after so many bytes of the body."""
    hide: int = 0
    """So many objects at the end of a list have vanished, from its total count too."""
    page_limit: int | None = None
    """A page has no more objects than this."""
    action: Literal["revoke_token", "cancel_run", "delete_run"] | None = None
    """What somebody else does just before the request, to the run in its path."""

    def answer(self) -> Reply | None:
        """Return what is answered instead."""
        if self.status is None:
            return None
        reply = html(self.status) if self.as_html else error_reply(self.status, self.message)
        return Reply(reply.code, reply.body, reply.content_type, headers=self.headers)

    def changed(self, data: Any) -> Any:  # noqa: ANN401 - JSON in and out
        """Return what the answer's `data` becomes."""
        if isinstance(data, list):
            return [self.changed(item) for item in data]
        return {**data, **self.set} if isinstance(data, dict) else data


class Faults:
    """The faults that are set, and how often each was met."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ids = itertools.count(1)
        self._faults: dict[int, Fault] = {}
        self._met: dict[int, int] = {}

    def add(self, fault: Fault) -> int:
        """Set a fault, and return its id."""
        with self._lock:
            fault_id = next(self._ids)
            self._faults[fault_id] = fault
            self._met[fault_id] = 0
            return fault_id

    def clear(self) -> None:
        """Take all faults back."""
        with self._lock:
            self._faults.clear()

    def list(self) -> list[dict[str, Any]]:
        """All faults, with how often each was met."""
        with self._lock:
            return [
                {"id": fault_id, "met": max(self._met[fault_id] - fault.skip, 0), **fault.model_dump()}
                for fault_id, fault in self._faults.items()
            ]

    def meet(self, method: str, path: str) -> tuple[int, Fault] | None:
        """Return the first fault that this request meets, and count it for all that are looked at."""
        with self._lock:
            for fault_id, fault in self._faults.items():
                if fault.method not in (None, method) or not re.search(fault.path, path):
                    continue
                used_up = fault.times is not None and self._met[fault_id] >= fault.skip + fault.times
                if used_up:
                    continue
                self._met[fault_id] += 1
                if self._met[fault_id] > fault.skip:
                    return fault_id, fault
        return None
