"""What the dbt platform, or the way to it, can refuse.

PlatformError
├── TokenRefusedError   401: the token is not one of this host, or no longer
├── NotFoundError       404: it is not there, or the token may not see it
├── WrongHostError      what answers is not the API of the platform
├── RefusedError        any other no: 400, 403, 405, ...
├── UnavailableError    no answer, or none but failures, as long as was waited
└── FateUnknownError    a request that starts something got no answer: it may have been carried out
"""

from kestra_dbt.errors import KestraDbtError
from kestra_dbt.protocol import FailureCode


class PlatformError(KestraDbtError):
    """Base of all."""

    code = FailureCode.PLATFORM


class TokenRefusedError(PlatformError):
    """The token is refused. Never retried."""


class NotFoundError(PlatformError):
    """What was asked for is not there, or hidden from the token. Never retried."""


class WrongHostError(PlatformError):
    """What answers is not the API of the platform. Never retried."""


class RefusedError(PlatformError):
    """The platform says no. Never retried."""


class UnavailableError(PlatformError):
    """The platform could not be reached, or failed, as often as it was tried."""


class FateUnknownError(PlatformError):
    """A request was sent, and whether it was carried out is not known: to send it again may do it twice."""
