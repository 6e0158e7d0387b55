"""dbt's texts, made fit to be shown."""

import os
import re

_ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")

_HIDDEN = "DBT_ENV_SECRET"
"""Begin of the names of environment variables whose values dbt hides in its own log."""


class Cleaner:
    """Cleans texts. It knows the secret variables as they are when it is made: to look for them takes long."""

    def __init__(self) -> None:
        self._secrets = [v for name, v in os.environ.items() if name.startswith(_HIDDEN) and v.strip()]

    def __call__(self, text: str | None) -> str:
        """Return dbt's text without colours, and with the values of its secret variables hidden, as dbt.log has it."""
        if not text:
            return ""
        text = _ANSI.sub("", text)
        for secret in self._secrets:
            text = text.replace(secret, "*****")
        return text.strip("\n ")


def clean(text: str | None) -> str:
    """Return a single text, cleaned."""
    return Cleaner()(text)
