"""Calls of the platform's API: sent again where that is safe, interrupted where they hang."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import httpx

from kestra_dbt import __version__
from kestra_dbt.errors import RequestError
from kestra_dbt.platform.api.answers import Answer, answer_of, is_json, refusal
from kestra_dbt.platform.api.errors import (
    FateUnknownError,
    NotFoundError,
    PlatformError,
    UnavailableError,
    WrongHostError,
)
from kestra_dbt.platform.api.outage import Outage
from kestra_dbt.platform.api.patience import TOO_MANY, TRANSIENT, backoff_s, paced
from kestra_dbt.platform.api.transport import NotDeliveredError, TransientError, failed, transport
from kestra_dbt.platform.watch import Watch
from kestra_dbt.protocol import Level

T = TypeVar("T")
Say = Callable[[Level, str], None]

_CONNECT_S, _READ_S, _SHORTEST_READ_S = 15.0, 60.0, 5.0
_KEPT_S = 30.0
_FIRST_ATTEMPTS = 5
"""How often a request is tried before the platform has ever answered: `host` may be wrong."""

Connecting = Callable[..., httpx.Client]
"""Opens a client over a pool of connections, given a watch that interrupts it and arguments of `httpx.Client`."""


def own_connections(watch: Watch, **options: Any) -> httpx.Client:  # noqa: ANN401, ARG001 - httpx's
    """Open a client with a pool of its own; a watch interrupts it wherever it is."""
    return httpx.Client(**options)


_DOWNLOADS = 20
"""How often a file is tried."""


@dataclass(frozen=True)
class Account:
    """An account on a host, and what opens it."""

    base_url: str
    """Of the host, as `host.base_url` returns it."""
    id: int
    token: str = field(repr=False)


class Client:
    """One account on one host, over one pool of connections."""

    def __init__(
        self, account: Account, watch: Watch, say: Say, connecting: Connecting = own_connections, *, endures: bool
    ) -> None:
        """Prepare; nothing is sent yet.

        Args:
            account: whose API it is.
            watch: interrupts calls and waits.
            say: takes lines of the log; those of level debug are the calls.
            connecting: opens what it calls through.
            endures: once the platform has answered, an outage is waited out, however long it is.
        """
        token = account.token
        if not token.isascii() or not token.isprintable() or " " in token:
            raise RequestError("`token` has characters that no token has: check how it got there.")
        self.account = account
        self._watch = watch
        self._say = say
        self._endures = endures
        self._answered = False
        self._http = connecting(
            watch,
            base_url=account.base_url,
            headers={
                "Authorization": f"Token {token}",
                "Accept": "application/json",
                "User-Agent": f"kestra-dbt/{__version__}",
            },
            timeout=httpx.Timeout(max(_SHORTEST_READ_S, paced(_READ_S)), connect=_CONNECT_S),
            limits=httpx.Limits(keepalive_expiry=_KEPT_S),
            follow_redirects=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def masked(self, text: str) -> str:
        """Return ``text`` without the token, should something have echoed it."""
        return text.replace(self.account.token, "***")

    def get(self, path: str, what: str, **params: Any) -> Answer:  # noqa: ANN401 - as queries have them
        """Get what is at ``path``, below the account; with ``v3/`` before it, of that version.

        Lists among the parameters become their JSON text; None is left out.

        Raises:
            PlatformError: it could not be had.
        """

        def once() -> Answer:
            response = self._send("GET", self._url(path), params=_query(params))
            if response.status_code in TRANSIENT:
                raise failed(response)
            return answer_of(self._redirected(response), what)

        return self._repeated(once, what)

    def post(self, path: str, what: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Post what does no harm if it is carried out twice, as a cancellation."""
        return self.change("POST", path, what, body)

    def change(self, method: str, path: str, what: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Send what does no harm if it is carried out twice, by this ``method``."""

        def once() -> Answer:
            response = self._send(method, self._url(path), json=body)
            if response.status_code in TRANSIENT:
                raise failed(response)
            if response.status_code == httpx.codes.NO_CONTENT:
                return Answer(None, {})
            return answer_of(response, what)

        return self._repeated(once, what)

    def post_once(self, path: str, what: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Post what must not be carried out twice.

        Raises:
            FateUnknownError: it may have been carried out, or not.
            PlatformError: it was not.
        """

        def once() -> Answer:
            try:
                response = self._send("POST", self._url(path), json=body)
            except NotDeliveredError:
                raise
            except TransientError as error:
                raise FateUnknownError(f"The answer to {what} was lost.", error.sentence) from error
            if response.status_code == TOO_MANY:
                raise failed(response)
            if response.status_code in TRANSIENT or response.is_server_error or _is_page(response):
                raise FateUnknownError(
                    f"The answer to {what} was {response.status_code}, from which nobody knows what was done.",
                    self.masked(response.text[:500]),
                )
            return answer_of(response, what)

        return self._repeated(once, what)

    def download(self, path: str, file: Path, **params: Any) -> bool:  # noqa: ANN401 - as queries have them
        """Write what is at ``path`` into ``file``, byte by byte; False if nothing is there.

        The file is there as a whole or not at all: one that was cut off is fetched again.

        Raises:
            PlatformError: it could not be had.
        """
        part = file.with_name(f"{file.name}.part")

        def once() -> bool:
            with transport(self.account.base_url), self._watch.open(), self._stream(path, params) as response:
                if response.status_code != httpx.codes.OK:
                    response.read()
                    if response.status_code in TRANSIENT:
                        raise failed(response)
                    raise refusal(response, path)
                if file.suffix == ".json" and "html" in response.headers.get("content-type", ""):
                    raise TransientError("a page came instead of a file", backoff_s)
                with part.open("wb") as writer:
                    for chunk in response.iter_bytes(1 << 18):
                        writer.write(chunk)
            part.replace(file)
            return True

        try:
            return self._repeated(once, path, attempts=_DOWNLOADS)
        except (NotFoundError, WrongHostError):
            return False
        finally:
            part.unlink(missing_ok=True)

    def _stream(self, path: str, params: Mapping[str, Any]) -> Any:  # noqa: ANN401 - httpx's own context manager
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        self._say(Level.DEBUG, f"GET {path} {_query(params) or ''}".rstrip())
        return self._http.stream("GET", self._url(path), params=_query(params), headers=headers)

    def _url(self, path: str) -> str:
        version, _, rest = path.partition("/") if path.startswith("v3/") else ("v2", "", path)
        return f"/api/{version}/accounts/{self.account.id}/{rest}"

    def _send(self, method: str, url: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - httpx's
        with transport(self.account.base_url), self._watch.open():
            response = self._http.request(method, url, **more)
        self._say(Level.DEBUG, f"{method} {response.url.raw_path.decode()}: {response.status_code}")
        return response

    def _redirected(self, response: httpx.Response) -> httpx.Response:
        """Follow one redirect of a GET on the same host, as to a slash at the end; none leads the token elsewhere."""
        following = response.next_request
        if following is not None and _origin(following.url) == _origin(response.url):
            return self._send("GET", str(following.url))
        return response

    def _repeated(self, once: Callable[[], T], what: str, attempts: int | None = None) -> T:
        outage = Outage(self._say, what)
        while True:
            try:
                result = once()
            except TransientError as error:  # noqa: PERF203 - to try again is its purpose
                wait = error.wait(outage.failures + 1)
                limit = attempts or (None if self._answered and self._endures else _FIRST_ATTEMPTS)
                if limit is not None and outage.failures + 1 >= limit:
                    raise UnavailableError(
                        f"The dbt platform at {self.account.base_url} could not be used, {limit} times in a row: "
                        f"{error.sentence}." + ("" if self._answered else " Check `host`, and the way there.")
                    ) from error
                outage.failed(error.sentence, wait)
                self._watch.sleep(wait)
            except PlatformError as error:
                if error.detail:
                    error.detail = self.masked(error.detail)
                error.sentence = self.masked(error.sentence)
                raise
            else:
                self._answered = True
                outage.over()
                return result


def _origin(url: httpx.URL) -> tuple[str, bytes]:
    return url.scheme, url.netloc


def _is_page(response: httpx.Response) -> bool:
    """Tell whether a proxy answers that all is well, which the platform has not said."""
    return response.is_success and not is_json(response)


def _query(params: Mapping[str, Any]) -> dict[str, str]:
    texts = {
        name: json.dumps(value, separators=(",", ":")) if isinstance(value, list) else value
        for name, value in params.items()
    }
    return {name: str(value) for name, value in texts.items() if value is not None}
