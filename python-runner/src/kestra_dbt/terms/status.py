"""dbt's statuses in an orchestrator's terms."""

from kestra_dbt.protocol import Outcome

_OUTCOMES = {
    "success": Outcome.SUCCESS,
    "pass": Outcome.SUCCESS,
    "no-op": Outcome.SUCCESS,
    "reused": Outcome.SUCCESS,
    "warn": Outcome.WARNING,
    "error": Outcome.FAILED,
    "fail": Outcome.FAILED,
    "runtime error": Outcome.FAILED,
    # some batches of a microbatch model failed: dbt exits with 1
    "partial success": Outcome.FAILED,
    # by dbt Fusion, of what it was at when it was stopped
    "cancelled": Outcome.FAILED,
    "skipped": Outcome.SKIPPED,
}


def outcome(status: str) -> Outcome:
    """Return what ``status`` means. One that a later dbt brings never fails a run that dbt calls good."""
    return _OUTCOMES.get(status.lower(), Outcome.SUCCESS)
