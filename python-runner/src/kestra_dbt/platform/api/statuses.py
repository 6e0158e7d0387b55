"""The platform's codes for where a run or a step is."""

from kestra_dbt.platform.api.models import Run, Step

SUCCESS, ERROR, CANCELLED = 10, 20, 30

WORDS = {1: "queued", 2: "starting", 3: "running", SUCCESS: "success", ERROR: "error", CANCELLED: "cancelled"}
"""Codes of runs in our words."""

CODES = {word: code for code, word in WORDS.items()}

_ENDED = frozenset({SUCCESS, ERROR, CANCELLED})


def has_ended(run: Run) -> bool:
    """Tell whether a run is over. One whose code nobody knows goes on: a newer platform may have more of them."""
    return run.status in _ENDED


def word(run: Run) -> str:
    """Return where a run is; the platform's number if that is not known."""
    return WORDS.get(run.status, str(run.status))


def step_has_ended(step: Step) -> bool:
    """Tell whether a step is over. Its codes are not documented, so its end is looked at, too."""
    return step.status in _ENDED or bool(step.finished_at)
