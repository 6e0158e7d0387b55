"""What dbt does with each line that it logs."""

import functools
import logging.handlers
import os


def look_for_names_of_secrets() -> None:
    """Read those environment variables that are secrets, and of the others the names alone."""
    from dbt_common.constants import SECRET_ENV_PREFIX  # noqa: PLC0415 - dbt is imported where it runs alone
    from dbt_common.events import functions  # noqa: PLC0415
    from dbt_common.exceptions import base  # noqa: PLC0415

    @functools.wraps(base.env_secrets)
    def env_secrets() -> list[str]:
        secrets = [os.environ[name] for name in os.environ if name.startswith(SECRET_ENV_PREFIX)]
        return [secret for secret in secrets if secret.strip()]

    base.env_secrets = functions.env_secrets = env_secrets  # type: ignore[attr-defined]


class _LogFile(logging.handlers.RotatingFileHandler):
    def shouldRollover(self, record: logging.LogRecord) -> bool:  # noqa: N802 - as it is
        """Look whether it is a file that can be replaced when it is about to be full, not with each line."""
        if self.stream and self.stream.tell() + _MOST_OF_A_CHARACTER * len(self.format(record)) < self.maxBytes:
            return False
        return bool(super().shouldRollover(record))


_MOST_OF_A_CHARACTER = 4
"""Bytes."""


def look_at_a_full_log_alone() -> None:
    """Have dbt.log take its lines with less ado, as it does in later Pythons."""
    from dbt_common.events import logger  # noqa: PLC0415 - dbt is imported where it runs alone

    logger.RotatingFileHandler = _LogFile  # type: ignore[attr-defined]
