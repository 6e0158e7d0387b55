"""Run a fake of the dbt platform by hand.

    tests/platform/run [--port 0] [--folder DIR] [--recordings DIR] [--mode dbt|recorded] [--large-ids] [--attached]

Prints one line of JSON: the URL, the token (that of DBT_PLATFORM_TOKEN, else a new one), the account and a first job.
Ctrl-C stops it. With --folder it goes on where it was when it is started again with the same folder.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import signal
import sys
import tempfile
import threading
from pathlib import Path

from fake_platform.api_control import beginnings
from fake_platform.fake import Fake
from fake_platform.server import Server
from fake_platform.workspace import HIDDEN_FROM_DBT


def main() -> int:
    """Serve until it is told to stop."""
    options = parse()
    token = os.environ.get(HIDDEN_FROM_DBT) or f"dbtc_{secrets.token_hex(16)}"
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="fake-platform-")))
        recordings = options.recordings or folder / "recordings"
        fake = Fake(folder, recordings, token, large_ids=options.large_ids, mode=options.mode)
        stack.callback(fake.close)
        server = stack.enter_context(Server(fake, options.port))
        stop_on_signals(server)
        if options.attached:
            threading.Thread(target=stop_at_end_of_stdin, args=(server,), daemon=True).start()
        print(json.dumps({"url": server.url, "token": token, **beginnings(fake)}), flush=True)
        server.serve_forever(poll_interval=0.05)
    return 0


def stop_on_signals(server: Server) -> None:
    """Stop in order.

    Set in any case: a shell starts what is in its background with SIGINT ignored, which dbt would inherit.
    """

    def stop(*_: object) -> None:
        threading.Thread(target=server.shutdown).start()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def stop_at_end_of_stdin(server: Server) -> None:
    """Stop when whoever started it has ended, however that came."""
    sys.stdin.read()
    server.shutdown()


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(
        prog="run", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--port", type=int, default=0, help="0, the default, takes a free one")
    parser.add_argument("--folder", type=Path, help="for state and runs; without it they are gone at the end")
    parser.add_argument("--recordings", type=Path, help="may be shared by several servers")
    parser.add_argument("--mode", choices=("dbt", "recorded"), default="dbt", help="of jobs of which nothing is said")
    parser.add_argument("--large-ids", action="store_true", help="ids as wide as those of cell accounts")
    parser.add_argument("--attached", action="store_true", help="stop at the end of stdin")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
