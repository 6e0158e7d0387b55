"""What the platform's answers mean: their envelope, and errors said in one sentence that says what to check."""

from dataclasses import dataclass
from typing import Any

import httpx

from kestra_dbt.platform.api.errors import NotFoundError, PlatformError, RefusedError, TokenRefusedError, WrongHostError

_DETAIL_LIMIT = 2_000


@dataclass(frozen=True)
class Answer:
    """A good answer without its envelope."""

    data: Any
    extra: dict[str, Any]
    """What a list has beside its items."""


def answer_of(response: httpx.Response, what: str) -> Answer:
    """Return what ``response`` brings.

    Args:
        response: read to its end.
        what: was asked for, for sentences: `Run 12`.

    Raises:
        PlatformError: the platform refuses, or it is not the platform that answers.
    """
    envelope = _envelope(response)
    if not response.is_success:
        raise refusal(response, what)
    if envelope is None or "data" not in envelope:
        raise _wrong_host(response)
    status = envelope.get("status")
    if isinstance(status, dict) and status.get("is_success") is False:
        raise RefusedError(
            f"The dbt platform refuses {what}: {_said(response) or 'it does not say why'}.", _body(response)
        )
    extra = envelope.get("extra")
    return Answer(envelope["data"], extra if isinstance(extra, dict) else {})


def refusal(response: httpx.Response, what: str) -> PlatformError:
    """Return the error that a response which is no success means."""
    status, said = response.status_code, _said(response)
    words = f" It says: {said}." if said else ""
    if response.is_redirect:
        return WrongHostError(
            f"{_origin(response)} sends elsewhere, to {_origin_of(response.headers.get('location', ''))}: set `host` "
            "to the access URL of the account, as its settings show it. The token was not sent there."
        )
    if _envelope(response) is None and status in (404, 405):
        return _wrong_host(response)
    if status == httpx.codes.UNAUTHORIZED:
        return TokenRefusedError(
            f"The dbt platform at {_origin(response)} refuses the token (401): check that `token` is whole, not "
            f"revoked or expired, and of an account on this host.{words}",
            _body(response),
        )
    if status == httpx.codes.NOT_FOUND:
        return NotFoundError(
            f"{what} is not there, or the token may not see it (404): check the id, `accountId` and the permissions of "
            f"the token.{words}",
            _body(response),
        )
    if status == httpx.codes.FORBIDDEN:
        return RefusedError(
            f"The token may not do this (403), which is about {what}: check its permissions, and whether the account "
            f"only lets some addresses in.{words}",
            _body(response),
        )
    return RefusedError(f"The dbt platform refuses {what} ({status}).{words}", _body(response))


def _wrong_host(response: httpx.Response) -> PlatformError:
    return WrongHostError(
        f"What answers at {_origin(response)} ({response.status_code}) is not the API of the dbt platform: check "
        "`host`, which is the access URL of the account, and proxies on the way.",
        _body(response),
    )


def is_json(response: httpx.Response) -> bool:
    """Tell whether the platform itself can have said this; proxies answer in HTML."""
    return _envelope(response) is not None


def _envelope(response: httpx.Response) -> dict[str, Any] | None:
    try:
        read = response.json()
    except ValueError:
        return None
    return read if isinstance(read, dict) else None


def _said(response: httpx.Response) -> str:
    """Return the platform's own words for people."""
    status = (_envelope(response) or {}).get("status")
    if not isinstance(status, dict):
        return ""
    words = (status.get("user_message"), status.get("developer_message"))
    return ". ".join(str(text).strip().rstrip(".") for text in words if text)[:300]


def _body(response: httpx.Response) -> str:
    return f"{response.request.method} {response.url.path}: {response.status_code}\n{response.text[:_DETAIL_LIMIT]}"


def _origin(response: httpx.Response) -> str:
    return _origin_of(str(response.url))


def _origin_of(address: str) -> str:
    try:
        url = httpx.URL(address)
    except httpx.InvalidURL:
        return "an address that is none"
    return f"{url.scheme}://{url.netloc.decode()}" if url.host else "another path"
