"""Puts a flow on a Kestra server, by its API."""

import base64
import json
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from typing import Any, Literal, TypeAlias

from kestra_dbt.errors import RequestError, RunnerError
from kestra_dbt.graph.flow.staleness import differences
from kestra_dbt.graph.flow.text import from_yaml
from kestra_dbt.protocol import KestraLogin

Deployed: TypeAlias = Literal["created", "updated", "unchanged"]

_TOKEN, _USER, _PASSWORD = "KESTRA_TOKEN", "KESTRA_USER", "KESTRA_PASSWORD"
WAY_IN = f"{_TOKEN}, or {_USER} and {_PASSWORD}"
"""What lets people in who use a command line."""

_WORDS: dict[Deployed, str] = {"created": "was created", "updated": "was updated", "unchanged": "is up to date"}
_LIMIT_S = 60.0
_SHOWN = 2000


@dataclass(frozen=True)
class Account:
    """A tenant of a server, and what gets us in; that is in no text that is shown.

    Args:
        url: of the server.
        tenant: of it.
        authorization: header that lets us in; none: none is needed.
        way_in: what people have to set for it, in words.
    """

    url: str
    tenant: str
    authorization: str | None = field(repr=False)
    way_in: str


def login_from_environment(environment: Mapping[str, str]) -> KestraLogin:
    """Return what a command line gets its users in with."""
    names = {"token": _TOKEN, "user": _USER, "password": _PASSWORD}
    return KestraLogin(**{name: environment.get(variable) for name, variable in names.items()})


def account(url: str, tenant: str, login: KestraLogin, way_in: str) -> Account:
    """Return the account of a server's address and what lets us in.

    Raises:
        RequestError: the address is none of a server.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise RequestError(
            "The address of the Kestra server has to be as https://kestra.example.com, with no user in it: set "
            f"{way_in}."
        )
    authorization = None
    if token := (login.token or "").strip():
        authorization = f"Bearer {token}"
    elif login.user:
        pair = f"{login.user}:{login.password or ''}".encode()
        authorization = f"Basic {base64.b64encode(pair).decode()}"
    return Account(url.rstrip("/"), tenant, authorization, way_in)


def told(content: Mapping[str, Any], deployed: Deployed, account: Account) -> str:
    """Return a sentence about what was done."""
    return f"{account.url}: {content['namespace']}.{content['id']} {_WORDS[deployed]}."


def deploy(content: Mapping[str, Any], text: str, account: Account) -> Deployed:
    """Put the flow there unless one is there that means the same; return what was done.

    Raises:
        RequestError: the server refuses it, with its reason.
        RunnerError: the server can't be reached.
    """
    names = (content["namespace"], content["id"])
    path = "/".join(urllib.parse.quote(str(name), safe="") for name in names)
    status, reply = _ask(account, "GET", f"flows/{path}?source=true", None)
    if status == HTTPStatus.NOT_FOUND:
        _accepted(account, *_ask(account, "POST", "flows", text))
        return "created"
    _accepted(account, status, reply)
    found = _json(reply)
    kept = found.get("source") if isinstance(found, dict) else None
    if isinstance(kept, str) and not differences(from_yaml(kept, "The flow on the server"), dict(content)):
        return "unchanged"
    _accepted(account, *_ask(account, "PUT", f"flows/{path}", text))
    return "updated"


def _ask(account: Account, method: str, path: str, text: str | None) -> tuple[int, str]:
    url = f"{account.url}/api/v1/{urllib.parse.quote(account.tenant, safe='')}/{path}"
    headers = {"Accept": "application/json", **({"Content-Type": "application/x-yaml"} if text is not None else {})}
    if account.authorization:
        headers["Authorization"] = account.authorization
    data = None if text is None else text.encode()
    request = urllib.request.Request(url, data, headers, method=method)  # noqa: S310 - its scheme was looked at
    try:
        with _opener.open(request, timeout=_LIMIT_S) as reply:
            return reply.status, reply.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")
    except (OSError, HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise RunnerError(f"The Kestra server {account.url} does not answer: {reason}.") from error


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """A redirect would take the token elsewhere."""

    def redirect_request(self, *_: object) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirects)


def _accepted(account: Account, status: int, reply: str) -> None:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return
    told = _json(reply)
    reason = str(told.get("message") or reply) if isinstance(told, dict) else reply
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        raise RequestError(
            f"The Kestra server {account.url} does not let us in ({status}): set {account.way_in}, of a user who may "
            "write flows.",
            reason[:_SHOWN],
        )
    if HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        raise RequestError(f"The Kestra server {account.url} sends us elsewhere ({status}): give its own address.")
    raise RequestError(f"The Kestra server {account.url} refuses the flow ({status}): {reason[:_SHOWN]}")


def _json(reply: str) -> Any:  # noqa: ANN401 - it may be anything
    try:
        return json.loads(reply)
    except ValueError:
        return None
