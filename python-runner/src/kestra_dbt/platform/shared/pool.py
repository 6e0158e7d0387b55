"""One pool of connections for many threads, whose calls can be interrupted one by one."""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

import httpx

from kestra_dbt.platform.api.patience import TOO_MANY, wait_s
from kestra_dbt.platform.shared.pace import Pace
from kestra_dbt.platform.shared.thread_watch import ThreadWatch

T = TypeVar("T")

_CLOSE_S = 5.0
_CONNECTIONS = 50
"""At most, to all hosts: a call takes a fraction of a second, and whoever waits holds none."""


class Pool:
    """An event loop on a thread of its own, with the client that all calls go through."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        threading.Thread(target=self._loop.run_forever, name="pool", daemon=True).start()
        limits = httpx.Limits(max_connections=_CONNECTIONS, max_keepalive_connections=_CONNECTIONS)
        self.pace = Pace()
        """Of all calls through this pool."""
        self._client = httpx.AsyncClient(limits=limits)  # proxies and certificates are those of the environment

    def connect(self, watch: ThreadWatch, **options: Any) -> httpx.Client:  # noqa: ANN401 - httpx's
        """Open a client of one request over the pool; ``watch`` interrupts its calls."""
        options.pop("limits", None)
        return httpx.Client(transport=_Transport(self, watch), **options)

    def send(self, request: httpx.Request, watch: ThreadWatch) -> httpx.Response:
        """Send a request as it is; what comes is read by and by."""
        return self.wait_for(self._client.send(request, stream=True, follow_redirects=False), watch)

    def wait_for(self, work: Coroutine[Any, Any, T], watch: ThreadWatch) -> T:
        """Return what ``work`` returns; an interruption cancels it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        future.add_done_callback(lambda _: watch.wake())
        try:
            watch.wait_until(future.done)
        except BaseException:
            future.cancel()
            raise
        return future.result()

    def close(self, response: httpx.Response) -> None:
        """Give the connection of ``response`` back."""
        future = asyncio.run_coroutine_threadsafe(response.aclose(), self._loop)
        with contextlib.suppress(concurrent.futures.TimeoutError, httpx.HTTPError):
            future.result(_CLOSE_S)


class _Transport(httpx.BaseTransport):
    """What a client of one request calls through."""

    def __init__(self, pool: Pool, watch: ThreadWatch) -> None:
        self._pool = pool
        self._watch = watch

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` through the pool."""
        again = httpx.Request(
            request.method, request.url, headers=request.headers, content=request.read(), extensions=request.extensions
        )
        self._watch.pause(self._pool.pace.wait_s(request.url))
        response = self._pool.send(again, self._watch)
        if response.status_code == TOO_MANY:
            self._pool.pace.hold(request.url, wait_s(TOO_MANY, response.headers, failures=1))
        return httpx.Response(
            response.status_code, headers=response.headers, stream=_Stream(self._pool, self._watch, response)
        )


class _Stream(httpx.SyncByteStream):
    """The body of an answer, as it came."""

    def __init__(self, pool: Pool, watch: ThreadWatch, response: httpx.Response) -> None:
        self._pool = pool
        self._watch = watch
        self._response = response

    def __iter__(self) -> Iterator[bytes]:
        chunks = self._response.aiter_raw()

        async def following() -> bytes | None:
            return await anext(chunks, None)

        while (chunk := self._pool.wait_for(following(), self._watch)) is not None:
            yield chunk

    def close(self) -> None:
        """Give the connection back."""
        self._pool.close(self._response)
