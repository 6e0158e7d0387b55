"""What of the contract must be known before any dependency is at hand. Standard library only."""

from __future__ import annotations

import json

PROTOCOL_VERSION = "1.0"
"""``major.minor``. A new kind or an optional field raises the minor; what an older reader would misread, the major."""

EVENT_PREFIX = "::kestra-dbt::"
"""What tells an event from a plain line of output."""

SECRETS_VARIABLE = "KESTRA_DBT_SECRETS"
"""Environment variable with the Secrets: base64 of their JSON, which no template engine on the way reads."""


def major(version: str) -> str:
    """Return the part of ``version`` that both sides must share."""
    return version.partition(".")[0]


def early_failure(code: str, sentence: str, detail: str | None = None) -> str:
    """Return the two lines that end a run before its models could be loaded: a Failure, then Ended."""
    failure = {"kind": "failure", "code": code, "sentence": sentence, "detail": (detail or "")[-4_000:] or None}
    ended = {"kind": "ended", "outcome": "failed", "exit_code": 2, "summary": {}}
    return "".join(
        EVENT_PREFIX + json.dumps({"version": PROTOCOL_VERSION, **event}, ensure_ascii=False) + "\n"
        for event in (failure, ended)
    )
