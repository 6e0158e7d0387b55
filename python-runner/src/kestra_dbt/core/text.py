"""dbt's texts, made fit to be shown."""

import re

from dbt_common.events.functions import env_scrubber

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def clean(text: str) -> str:
    """Return dbt's text without colours, and with the values of its secret variables hidden, as dbt.log has it."""
    return env_scrubber(_ANSI.sub("", text)).strip("\n ") if text else ""
