"""What goes wrong on the way to the platform, and what of it may well go better the next time."""

import contextlib
from collections.abc import Callable, Iterator

import httpx

from kestra_dbt.errors import RequestError
from kestra_dbt.platform.api.errors import PlatformError, UnavailableError
from kestra_dbt.platform.api.patience import backoff_s, wait_s

_NOT_DELIVERED = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Faults before the first byte of a request has left."""


class TransientError(PlatformError):
    """The same request may well succeed."""

    def __init__(self, sentence: str, wait: Callable[[int], float]) -> None:
        """``wait`` returns the seconds to wait, given the number of failures in a row."""
        super().__init__(sentence)
        self.wait = wait


class NotDeliveredError(TransientError):
    """Likewise; and not a byte of the request has left."""


@contextlib.contextmanager
def transport(base_url: str) -> Iterator[None]:
    """Say in our words what goes wrong on the way."""
    try:
        yield
    except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
        raise RequestError(f"Nothing can be sent to {base_url}: {error}.") from error
    except httpx.TransportError as error:
        if isinstance(error, httpx.ConnectError) and "CERTIFICATE_VERIFY_FAILED" in str(error):
            raise UnavailableError(
                f"The certificate of {base_url} is not one of an authority that is known here: set SSL_CERT_FILE to a "
                "file with the authority of your proxy or host, and check `host`.",
                str(error),
            ) from error
        said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        raise (NotDeliveredError if isinstance(error, _NOT_DELIVERED) else TransientError)(said, backoff_s) from error


def failed(response: httpx.Response) -> TransientError:
    """Return the error that an answer means after which the same request may well succeed."""
    status, headers = response.status_code, response.headers
    return TransientError(f"it answers {status}", lambda failures: wait_s(status, headers, failures))
