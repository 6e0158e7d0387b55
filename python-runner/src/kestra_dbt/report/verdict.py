"""How a run ended."""

from dataclasses import dataclass

from kestra_dbt.protocol import Failure, Outcome


@dataclass(frozen=True)
class Verdict:
    """The end of a run."""

    outcome: Outcome
    exit_code: int
    failure: Failure | None = None
    reason: str | None = None
    """Why it is a warning: one sentence."""
    stopped: bool = False
    """Whether it was told to stop, and did."""
