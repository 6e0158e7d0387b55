"""What the tests of the dbt platform share: the fake of each test, and ways to carry out a request on it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_platform.client import FakePlatform

from kestra_dbt.platform.api.patience import PACE_VARIABLE
from kestra_dbt.protocol import Secrets

TOKEN = "kestra-0123456789abcdef"

ENVIRONMENT = {"NO_PROXY": "127.0.0.1", PACE_VARIABLE: "0.02"}
"""Of the runner: the fake is on this machine, and waits are short."""

Ask = Callable[..., Any]
"""Carries out a request, given its kind without `platform_` and its fields; returns what became of it."""

Scripted = Callable[..., int]
"""Adds a job whose runs have these statuses, each for so many seconds, and run nothing."""

_FOLLOWING = ("poll_s", "max_duration_s", "on_kill", "compiled", "tolerant")


def files(folder: Path) -> dict[str, bytes]:
    """Return all files below a folder with what is in them."""
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def request_of(kind: str, fields: dict[str, Any]) -> dict[str, Any]:
    """Return a request; `poll_s` and the like are about how a run is followed."""
    following = {name: fields.pop(name) for name in _FOLLOWING if name in fields}
    if kind in ("trigger", "follow", "retry", "cancel"):
        fields["following"] = {"poll_s": 0.2, **following}
    return {"kind": f"platform_{kind}", **fields}


@pytest.fixture
def ask(platform: FakePlatform, carry_out: Callable[..., Any]) -> Ask:
    """Return a function that carries out a request on the fake, with short waits."""

    def ask(kind: str, *, env: dict[str, str] | None = None, **fields: object) -> object:
        how = {name: fields.pop(name) for name in ("during", "python") if name in fields}
        request = {"host": platform.url, "account_id": platform.account_id, **request_of(kind, fields)}
        secrets = Secrets(platform_token=platform.token)
        return carry_out(request, secrets, env={**ENVIRONMENT, **(env or {})}, **how)

    return ask


@pytest.fixture
def trigger(ask: Ask) -> Ask:
    """Return a function that starts a run of a job: once, however often it is called."""
    return lambda job_id, **fields: ask("trigger", **{"job": {"id": job_id}, "token": TOKEN, **fields})


@pytest.fixture
def scripted(platform: FakePlatform) -> Scripted:
    """Return a function that adds a job whose runs only have statuses."""

    def scripted(*statuses: tuple[int, float]) -> int:
        job_id = platform.add_job(["dbt build"])
        platform.script(job_id, *(statuses or ((3, 0.5), (10, 0))))
        return job_id

    return scripted
