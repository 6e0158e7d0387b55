"""The times that the fake tells, and the forms in which the platform writes them."""

from __future__ import annotations

import time
from datetime import datetime, timezone


def now() -> float:
    """Seconds since the epoch, by this machine; what is told to clients has the skew on top."""
    return time.time()


def moment(at: float, skew_s: float = 0) -> datetime:
    """Return a time as the fake's clock shows it."""
    return datetime.fromtimestamp(at + skew_s, timezone.utc)


def with_space(at: float | None, skew_s: float = 0) -> str | None:
    """Write a time as runs and steps do."""
    return None if at is None else moment(at, skew_s).strftime("%Y-%m-%d %H:%M:%S.%f+00:00")


def with_t(at: float, skew_s: float = 0) -> str:
    """Write a time as jobs do."""
    return moment(at, skew_s).strftime("%Y-%m-%dT%H:%M:%S.%f+00:00")


def duration(seconds: float, *, as_seconds: bool = False) -> str:
    """Write a duration as HH:MM:SS, or as the seconds (`10.0`) that the platform sent in November 2024."""
    if as_seconds:
        return str(round(seconds, 1))
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{rest:02}"


def humanized(seconds: float) -> str:
    """Write a duration in words."""
    minutes, rest = divmod(int(seconds), 60)
    words = [f"{count} {unit}{'' if count == 1 else 's'}" for count, unit in ((minutes, "minute"), (rest, "second"))]
    return ", ".join(words if minutes else words[1:])


def parse(text: str) -> datetime:
    """Read a time or a date in a filter.

    Raises:
        ValueError: it is neither.
    """
    read = datetime.fromisoformat(text.strip().replace("Z", "+00:00"))
    return read if read.tzinfo else read.replace(tzinfo=timezone.utc)
