"""What a graph will cost Kestra, said before it does."""

ADVISED = 300
"""Tasks up to which nothing needs to be said."""

_LINEAR_S, _SQUARE_S = 0.092, 0.000187
"""Fits what was measured on two cores: 150 tasks 18 s, 1,000 tasks 279 s. Each event reads and writes the execution."""


def engine_seconds(tasks: int) -> float:
    """Return how long Kestra itself is about to take, whatever dbt does."""
    return _LINEAR_S * tasks + _SQUARE_S * tasks**2


def advice(tasks: int, coarser: dict[str, int]) -> str | None:
    """Return what people should know of a graph of so many tasks, and of ``coarser`` ones; None: nothing."""
    if tasks <= ADVISED:
        return None
    others = ", ".join(f"`{name}`: {count} tasks, {_time(count)}" for name, count in coarser.items())
    return (
        f"warning: the graph has {tasks} tasks, for which Kestra itself takes about {_time(tasks)} on two cores, "
        f"besides dbt. Group the nodes by `granularity`{f' ({others})' if others else ''}, or make several flows with "
        "`select`."
    )


def _time(tasks: int) -> str:
    seconds = engine_seconds(tasks)
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"  # noqa: PLR2004 - as people say it
