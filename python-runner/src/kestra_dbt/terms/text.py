"""dbt's texts, made fit to be shown."""

import os
import re

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

_HIDDEN = "DBT_ENV_SECRET"
"""Begin of the names of environment variables whose values dbt hides in its own log."""


def clean(text: str | None) -> str:
    """Return dbt's text without colours, and with the values of its secret variables hidden, as dbt.log has it."""
    return without_secrets(_ANSI.sub("", text)).strip("\n ") if text else ""


def without_secrets(text: str) -> str:
    """Return ``text`` with the values of dbt's secret variables hidden."""
    for name, value in os.environ.items():
        if name.startswith(_HIDDEN) and value.strip():
            text = text.replace(value, "*****")
    return text
