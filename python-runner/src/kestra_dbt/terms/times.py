"""Times as dbt and its platform write them."""

import re
from datetime import datetime, timezone
from typing import Any


def when(moment: Any) -> datetime:  # noqa: ANN401 - as it comes
    """Return a time of dbt: a protobuf timestamp, Python's, or its text.

    Raises:
        ValueError: the text is none.
    """
    if isinstance(moment, datetime):
        return _utc(moment)
    return _of_text(moment) if isinstance(moment, str) else moment.ToDatetime(tzinfo=timezone.utc)


def _of_text(text: str) -> datetime:
    """Python 3.10 takes a fraction of six digits only, and no Z."""
    return _utc(datetime.fromisoformat(re.sub(r"\.(\d+)", lambda m: f".{m[1][:6]:0<6}", text.removesuffix("Z"))))


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=timezone.utc) if time.tzinfo is None else time.astimezone(timezone.utc)
