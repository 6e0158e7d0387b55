"""How long to wait before a request is sent again, and whether it may be."""

import os
import random
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

PACE_VARIABLE = "KESTRA_DBT_PLATFORM_PACE"
"""Environment variable with a factor on all waits that neither the user nor the platform chose; for tests."""

COOL_DOWN_S = 300.0
"""The platform refuses everything for five minutes after too many requests, and does not always say so."""

TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses after which the same request may well succeed."""

TOO_MANY = 429

_FIRST_S, _LONGEST_S = 1.0, 30.0


def paced(seconds: float) -> float:
    """Return ``seconds``, or fewer of them in a test."""
    return seconds * float(os.environ.get(PACE_VARIABLE) or 1)


def backoff_s(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row: twice as long each time, with jitter."""
    longest = min(_LONGEST_S, _FIRST_S * 2 ** min(failures - 1, 10))
    return paced(random.uniform(0.5, 1.0) * longest)  # noqa: S311 - not a secret


def wait_s(status: int, headers: Mapping[str, str], failures: int) -> float:
    """Return the seconds to wait after an answer that is none: what it says itself, or else what is usual."""
    asked = _retry_after(headers)
    if asked is not None:
        return asked
    return paced(COOL_DOWN_S) if status == TOO_MANY else backoff_s(failures)


def _retry_after(headers: Mapping[str, str]) -> float | None:
    text = (headers.get("retry-after") or headers.get("x-rate-limit-retry-after-seconds") or "").strip()
    if not text:
        return None
    if re.fullmatch(r"\d{1,6}(\.\d+)?", text):
        return float(text)
    until = _date(text)
    if until is None:
        return None
    # its clock may be another than ours, so it is compared with itself
    now = _date(headers.get("date") or "") or datetime.now(timezone.utc)
    return max(0.0, (until - now).total_seconds())


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError):
        return None
    return date.replace(tzinfo=timezone.utc) if date.tzinfo is None else date
