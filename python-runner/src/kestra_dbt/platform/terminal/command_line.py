"""`kestra-dbt platform`, for people and for other schedulers: the same requests, told as progress, not as events."""

import argparse
import os
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path

from pydantic import ValidationError

from kestra_dbt.errors import KestraDbtError
from kestra_dbt.platform import webhooks
from kestra_dbt.platform.api.calls import Api
from kestra_dbt.platform.api.client import Account, Client
from kestra_dbt.platform.api.host import base_url
from kestra_dbt.platform.caller import Caller
from kestra_dbt.platform.carry_out import run
from kestra_dbt.platform.terminal.arguments import TOKEN_VARIABLES, parser, request_of
from kestra_dbt.platform.terminal.rendering import Terminal, as_table, result
from kestra_dbt.platform.timer import TimerWatch
from kestra_dbt.platform.watch import InterruptedWaitError
from kestra_dbt.protocol import Level, PlatformRequest, RequestAdapter, Secrets

_USAGE_CODE = 2
_INTERRUPTED_CODE = 130
_TABLES = ("jobs", "runs")


def run_command_line(arguments: list[str], environment: Mapping[str, str] = os.environ) -> int:
    """Run the command line ``arguments``, and return the exit code."""
    given = parser(environment).parse_args(arguments)
    token = next(filter(None, (environment.get(name, "").strip() for name in TOKEN_VARIABLES)), "")
    if not token:
        return _error(f"No token: set {TOKEN_VARIABLES[0]} to one of the dbt platform.")
    try:
        return _webhooks(given, token) if given.command == "webhooks" else _request(given, token)
    except KestraDbtError as error:
        return _error(error.sentence, error.detail if given.debug else None)
    except ValidationError as error:
        problem = error.errors()[0]
        return _error(f"{'.'.join(map(str, problem['loc'][1:]))}: {problem['msg']}.")
    except OSError as error:
        return _error(f"{error.strerror}: {error.filename}.")
    except InterruptedWaitError:
        return _INTERRUPTED_CODE


def _request(given: argparse.Namespace, token: str) -> int:
    request = RequestAdapter.validate_python(request_of(given))
    if not isinstance(request, PlatformRequest):
        raise TypeError(request)
    with ExitStack() as stack:
        # a table is printed, so its file is not wanted
        temporary = given.command in _TABLES
        output = Path(stack.enter_context(tempfile.TemporaryDirectory())) if temporary else given.output
        terminal = Terminal(output, as_json=getattr(given, "json", False))
        return run(request, Secrets(platform_token=token), output, Caller(terminal, lambda: None))


def _webhooks(given: argparse.Namespace, token: str) -> int:
    watch = TimerWatch(lambda: None, None, lambda: False)
    client = Client(Account(base_url(given.host), given.account, token), watch, _say(debug=given.debug), endures=False)
    try:
        with watch.installed():
            _ACTIONS[given.action](Api(client), given)
    finally:
        client.close()
    return 0


def _list(api: Api, given: argparse.Namespace) -> None:  # noqa: ARG001 - as all actions are called
    rows = [found.model_dump(exclude={"hmac_secret"}) for found in webhooks.listed(api)]
    told = [{**row, "event_types": ", ".join(row["event_types"]), "job_ids": ", ".join(row["job_ids"])} for row in rows]
    result(*as_table(told, ("id", "name", "active", "event_types", "job_ids", "client_url", "http_status_code")))


def _create(api: Api, given: argparse.Namespace) -> None:
    events = given.event or ["job.run.completed"]
    wanted = webhooks.Wanted(given.name, given.url, events, given.job, given.description)
    made = webhooks.create(api, wanted)
    _error(f"Webhook {made.id} was created. Its secret is printed below, once, and never told again: keep it.")
    result(made.hmac_secret or "")


def _remove(api: Api, given: argparse.Namespace) -> None:
    gone = "was removed" if webhooks.remove(api, given.id) else "is gone already"
    result(f"Webhook {given.id} {gone}.")


_ACTIONS: dict[str, Callable[[Api, argparse.Namespace], None]] = {"list": _list, "create": _create, "remove": _remove}


def _say(*, debug: bool) -> Callable[[Level, str], None]:
    def say(level: Level, text: str) -> None:
        if debug or level is not Level.DEBUG:
            sys.stderr.write(f"{text}\n")

    return say


def _error(sentence: str, detail: str | None = None) -> int:
    sys.stderr.write(f"{sentence}\n" + (f"{detail}\n" if detail else ""))
    return _USAGE_CODE
