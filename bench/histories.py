"""When Kestra says that something began and ended: a task run or an execution, as JSON."""

from datetime import datetime
from typing import Any


def end(of: dict[str, Any]) -> datetime:
    """Return when it ended."""
    return moment(of["state"]["histories"][-1])


def seconds(of: dict[str, Any]) -> float:
    """Return how long it took, from its creation on."""
    return (end(of) - moment(of["state"]["histories"][0])).total_seconds()


def moment(step: dict[str, Any]) -> datetime:
    """Return when a state began; Kestra tells nanoseconds, of which Python takes microseconds."""
    whole, _, fraction = step["date"].rstrip("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{fraction[:6]:0<6}+00:00")
