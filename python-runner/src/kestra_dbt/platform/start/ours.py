"""The runs that earlier attempts at the same thing have started, and what an attempt makes of them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Literal

from kestra_dbt.platform.api.calls import Api
from kestra_dbt.platform.api.models import Run
from kestra_dbt.platform.api.statuses import CANCELLED, ERROR, has_ended
from kestra_dbt.platform.start.cause import has_token

_LOOKED_AT = 300
"""The latest runs of a job among which ours are looked for."""

IsOurs = Callable[[Run], bool]


def with_token(token: str) -> IsOurs:
    """Return what tells whether a run was started for ``token``."""
    return lambda run: has_token(run.cause, token)


def retries_of(run_id: int) -> IsOurs:
    """Return what tells whether a run is a retry of that one."""
    return lambda run: run.retrying_run_id == run_id


def find(api: Api, job_id: int, is_ours: IsOurs) -> list[Run]:
    """Return our runs of a job, the oldest first: those that ``is_ours`` knows, and those that retry one of ours.

    A retry need not bear the token of what it retries.
    """
    latest = list(islice(api.runs(job_definition_id=job_id, order_by="-id"), _LOOKED_AT))
    found: dict[int, Run] = {}
    for run in sorted(latest, key=lambda run: run.id):  # a retry is younger than what it retries
        if is_ours(run) or run.retrying_run_id in found:
            found[run.id] = run
    return list(found.values())


@dataclass(frozen=True)
class Step:
    """What to do: nothing but to take a run up, to retry one, or to start anew."""

    act: Literal["adopt", "retry", "start"]
    run: Run | None = None


def next_step(ours: Iterable[Run], reported: list[int], *, resume: bool) -> Step:
    """Decide what an attempt does.

    Args:
        ours: our runs, the oldest first.
        reported: ids of those whose end earlier attempts have reported.
        resume: retry a failed one rather than start anew.
    """
    known = list(ours)
    active = next((run for run in known if not has_ended(run)), None)
    if active is not None:
        return Step("adopt", active)
    told = [run for run in known if run.id in reported]
    untold = [run for run in known if run.id > max((run.id for run in told), default=0)]
    if told:  # one that was cancelled may be a second one, started unwillingly; anew is right in any case
        untold = [run for run in untold if run.status != CANCELLED]
    if untold:
        return Step("adopt", untold[-1])
    if resume and told and told[-1].status == ERROR:
        return Step("retry", told[-1])
    return Step("start")
