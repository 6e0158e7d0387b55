"""Errors that a user can do something about.

KestraDbtError
├── RequestError      the request cannot be carried out as it is written
├── ProjectError      the project or the profile cannot be read
└── RunnerError       the runner cannot do its work: a full disk, a folder that is not there
"""

from kestra_dbt.protocol import Failure, FailureCode


class KestraDbtError(Exception):
    """Base of all: one sentence for people (what, where, what to do), and in detail what dbt or the system said."""

    code = FailureCode.INTERNAL

    def __init__(self, sentence: str, detail: str | None = None) -> None:
        super().__init__(sentence)
        self.sentence = sentence
        self.detail = detail

    def as_failure(self) -> Failure:
        """Return the event that reports this error."""
        return Failure(code=self.code, sentence=self.sentence, detail=self.detail)


class RequestError(KestraDbtError):
    """The request cannot be carried out as it is written. Never retried."""

    code = FailureCode.REQUEST


class ProjectError(KestraDbtError):
    """The project or the profile cannot be read. Never retried."""

    code = FailureCode.PROJECT


class RunnerError(KestraDbtError):
    """The runner cannot do its work: a full disk, a folder that it may not write to."""
