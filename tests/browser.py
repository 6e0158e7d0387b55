"""A real browser, without a window: what a page shows, as its elements and as a picture."""

import contextlib
import functools
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import debian

LIMIT_S = 120
PAGE_MS = 20_000
"""Of the page's own clock, which runs ahead while it waits."""

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")


class NoBrowserError(Exception):
    """There is no browser; the message says what to do."""


def find() -> str:
    """Return the program of a Chromium.

    Raises:
        NoBrowserError: there is none.
    """
    found = _installed()
    if found is None:
        debian.install("chromium")
        found = _installed()
    if found is None:
        raise NoBrowserError("Chromium is not installed: `apt-get install chromium`, or put it on PATH.")
    return found


def elements(address: str) -> str:
    """Return the HTML of a page as it is when all of it has run."""
    return _run("--dump-dom", address)


def picture(address: str, file: Path, width: int, height: int) -> None:
    """Take a picture of a page as it is when all of it has run."""
    _run(f"--window-size={width},{height}", "--hide-scrollbars", f"--screenshot={file}", address)


@contextlib.contextmanager
def served(folder: Path, asked: list[str] | None = None) -> Iterator[str]:
    """Yield the address of a server of the files in a folder, on the loopback; what is asked for goes to ``asked``."""
    handler = functools.partial(_Quiet, [] if asked is None else asked, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def __init__(self, asked: list[str], *arguments: Any, **named: Any) -> None:  # noqa: ANN401 - as its base takes them
        self._asked = asked
        super().__init__(*arguments, **named)

    def do_GET(self) -> None:
        """Note what is asked for, and answer."""
        self._asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _run(*arguments: str) -> str:
    sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []  # it refuses to run as root with one
    command = [find(), "--headless=new", "--disable-gpu", *sandbox, f"--virtual-time-budget={PAGE_MS}", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if done.returncode:
        raise RuntimeError(f"Chromium has ended with {done.returncode}: {done.stderr[-1000:]}")
    return done.stdout


def _installed() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)
