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
from typing import Any

from kestra_dbt.errors import RequestError, RunnerError
from kestra_dbt.graph.flow.staleness import differences
from kestra_dbt.graph.flow.text import from_yaml

TOKEN, USER, PASSWORD = "KESTRA_TOKEN", "KESTRA_USER", "KESTRA_PASSWORD"
_LIMIT_S = 60.0
_SHOWN = 2000


@dataclass(frozen=True)
class Account:
    """A tenant of a server, and what gets us in; that is in no text that is shown."""

    url: str
    tenant: str
    authorization: str | None = field(repr=False)


def account_from_environment(url: str, tenant: str, environment: Mapping[str, str]) -> Account:
    """Return the account whose token, or user and password, are in the environment.

    Raises:
        RequestError: the address is none of a server.
    """
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise RequestError(
            "The address of the Kestra server has to be as https://kestra.example.com, with no user in it: set "
            f"{TOKEN}, or {USER} and {PASSWORD}."
        )
    token, user = environment.get(TOKEN, "").strip(), environment.get(USER, "")
    authorization = None
    if token:
        authorization = f"Bearer {token}"
    elif user:
        pair = f"{user}:{environment.get(PASSWORD, '')}".encode()
        authorization = f"Basic {base64.b64encode(pair).decode()}"
    return Account(url.rstrip("/"), tenant, authorization)


def deploy(content: Mapping[str, Any], text: str, account: Account) -> str:
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
        return "was created"
    _accepted(account, status, reply)
    found = _json(reply)
    kept = found.get("source") if isinstance(found, dict) else None
    if isinstance(kept, str) and not differences(from_yaml(kept, "The flow on the server"), dict(content)):
        return "is up to date"
    _accepted(account, *_ask(account, "PUT", f"flows/{path}", text))
    return "was updated"


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
            f"The Kestra server {account.url} does not let us in ({status}): set {TOKEN}, or {USER} and "
            f"{PASSWORD}, of a user who may write flows.",
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
