"""A request as it is handed over: a file and a variable, read with a sentence for whatever is wrong with them."""

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from kestra_dbt.errors import KestraDbtError, RequestError, RunnerError
from kestra_dbt.protocol import (
    PROTOCOL_VERSION,
    SECRETS_VARIABLE,
    Ended,
    Event,
    Failure,
    FailureCode,
    Outcome,
    Request,
    RequestAdapter,
    Secrets,
    Summary,
    major,
)
from kestra_dbt.stop_file import StoppedError

_UNNAMED = frozenset({*RequestAdapter.json_schema()["discriminator"]["mapping"], "options", "flow"})
"""Parts of the place of a mistake that say nothing to those who see properties."""

_STOPPED_CODE = 130
_ERROR_CODE = 2


@dataclass
class Ending:
    """How carrying out a request ended."""

    exit_code: int = _ERROR_CODE


@contextlib.contextmanager
def told_if_not_begun(emit: Callable[[Event], None]) -> Iterator[Ending]:
    """Tell by events, and by the ending's exit code, what keeps the block from even beginning a request."""
    ending = Ending()
    try:
        yield ending
    except KestraDbtError as error:
        failure = error.as_failure()
    except StoppedError:
        failure = Failure(code=FailureCode.KILLED, sentence="The run was stopped before dbt started.")
        ending.exit_code = _STOPPED_CODE
    except OSError as error:
        named = [str(part) for part in (error.strerror, error.filename) if part]  # a full disk has no file's name
        sentence = (
            f"The runner cannot work here: {': '.join(named) or error}; it needs room, and to be let write, in the "
            "working directory and in the cache folder, which `KESTRA_DBT_CACHE` names."
        )
        failure = RunnerError(sentence, str(error)).as_failure()
    else:
        return
    emit(failure)
    emit(Ended(outcome=Outcome.FAILED, exit_code=ending.exit_code, summary=Summary()))


def read_request(file: Path) -> Request:
    """Return the request in ``file``.

    Raises:
        RequestError: it is none, or one of another version of the contract.
    """
    try:
        text = file.read_bytes()
    except OSError as error:
        raise RequestError(f"The request {file} cannot be read: {error.strerror}.") from error
    version = _version(text)
    if major(version) != major(PROTOCOL_VERSION):
        raise RequestError(
            f"The request is of version {version} of the contract and this runner speaks {PROTOCOL_VERSION}: use a "
            "plugin and a runner of the same release."
        )
    try:
        return RequestAdapter.validate_json(text)
    except ValidationError as error:
        raise _explain(error) from error


def read_secrets(encoded: str | None) -> Secrets:
    """Return the secrets in the value of their variable; none is no secrets.

    Raises:
        RequestError: they cannot be read.
    """
    try:
        return Secrets.from_environment(encoded)
    except ValueError as error:
        raise RequestError(f"{SECRETS_VARIABLE} cannot be read: it has to be base64 of the JSON of Secrets.") from error


def _explain(error: ValidationError) -> RequestError:
    problem = error.errors()[0]
    where = ".".join(str(part) for part in problem["loc"] if part not in _UNNAMED)
    given = "" if problem["type"] == "extra_forbidden" else f", not {problem['input']!r}"[:100]
    return RequestError(f"`{where}` of the request: {problem['msg']}{given}.", str(error))


def _version(text: bytes) -> str:
    try:
        return str(json.loads(text).get("version", PROTOCOL_VERSION))
    except (ValueError, AttributeError):
        return PROTOCOL_VERSION
