"""The command line ``kestra-dbt``, with its commands ``run``, ``dbt``, ``platform``, ``flow`` and ``schema``."""

import argparse
import json
import os
import sys
from pathlib import Path

from pydantic import ValidationError

from kestra_dbt import __version__
from kestra_dbt.core.own_state import with_state_kept
from kestra_dbt.core.task_profiles import with_task_profiles
from kestra_dbt.errors import KestraDbtError, RequestError, RunnerError
from kestra_dbt.protocol import (
    PROTOCOL_VERSION,
    SECRETS_VARIABLE,
    DbtRequest,
    Ended,
    Failure,
    FailureCode,
    Outcome,
    Request,
    RequestAdapter,
    Secrets,
    SetUp,
    Summary,
    encode,
    major,
)
from kestra_dbt.standard_output import nobody_reads, write_event
from kestra_dbt.stop_file import StopFile, StoppedError

_UNNAMED = frozenset({*RequestAdapter.json_schema()["discriminator"]["mapping"], "options"})
"""Parts of the place of a mistake that say nothing to those who see properties."""

OUTPUT_VARIABLE = "OUTPUT_DIR"
"""Environment variable in which Kestra names the folder for output files."""


def run_command_line(arguments: list[str]) -> int:
    """Run the command line ``arguments`` and return the exit code."""
    if arguments[:1] == ["dbt"]:  # all that follows is dbt's own
        from kestra_dbt.core.invoker import invoker  # noqa: PLC0415 - the rest is not needed for it

        return invoker()(with_state_kept(with_task_profiles(arguments[1:])))
    if arguments[:1] == ["platform"]:
        from kestra_dbt.platform.terminal.command_line import run_command_line as on_platform  # noqa: PLC0415

        return on_platform(arguments[1:])
    if arguments[:1] == ["flow"]:
        from kestra_dbt.graph.flow.command_line import run_command_line as write_flow  # noqa: PLC0415

        return write_flow(arguments[1:])
    options = _parser().parse_args(arguments)
    if options.command == "schema":
        from kestra_dbt.protocol.schema import write_schemas  # noqa: PLC0415

        write_schemas(options.folder)
        return 0
    return _run(options.request, options.output)


def _run(request_file: Path, output: Path) -> int:
    try:
        request = _read(request_file)
        return _carry_out(request, _secrets(), output, StopFile(request_file))
    except KestraDbtError as error:
        return _end(error.as_failure(), 2)
    except StoppedError:
        return _end(Failure(code=FailureCode.KILLED, sentence="The run was stopped before dbt started."), 130)
    except OSError as error:
        failure = RunnerError(f"The runner cannot work here: {error.strerror}: {error.filename}.", str(error))
        return _end(failure.as_failure(), 2)


def _carry_out(request: Request, secrets: Secrets, output: Path, stop_file: StopFile) -> int:
    if isinstance(request, DbtRequest):
        from kestra_dbt.core.run import run  # noqa: PLC0415 - what one kind needs, the other may not have

        return run(request, secrets, output, stop_file)
    if isinstance(request, SetUp):
        from kestra_dbt.core.set_up import set_up  # noqa: PLC0415

        return set_up(request, secrets, stop_file)
    from kestra_dbt.platform.carry_out import Caller  # noqa: PLC0415
    from kestra_dbt.platform.carry_out import run as run_on_platform  # noqa: PLC0415

    return run_on_platform(request, secrets, output, Caller(write_event, stop_file.take, nobody_reads))


def _end(failure: Failure, code: int) -> int:
    for event in (failure, Ended(outcome=Outcome.FAILED, exit_code=code, summary=Summary())):
        sys.stdout.buffer.write(encode(event))
    sys.stdout.buffer.flush()
    return code


def _read(file: Path) -> Request:
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


def _secrets() -> Secrets:
    try:
        # nothing that runs later may inherit them
        return Secrets.from_environment(os.environ.pop(SECRETS_VARIABLE, None))
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="kestra-dbt", description="Runs dbt for an orchestrator.")
    parser.add_argument("--version", action="version", version=f"kestra-dbt {__version__}, contract {PROTOCOL_VERSION}")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="carry out a request; events go to standard output")
    run.add_argument("request", type=Path, help="JSON file with the request")
    run.add_argument(
        "--output",
        type=Path,
        default=Path(os.environ.get(OUTPUT_VARIABLE) or "kestra-dbt-output"),
        help=f"folder for artifacts (default: ${OUTPUT_VARIABLE}, else kestra-dbt-output)",
    )
    commands.add_parser("dbt", help="run dbt, as its own command line does", add_help=False)
    commands.add_parser("platform", help="jobs and runs of the dbt platform", add_help=False)
    commands.add_parser("flow", help="write the flow in which a dbt project is a graph of tasks", add_help=False)
    schema = commands.add_parser("schema", help="write the contract as JSON Schema")
    schema.add_argument("folder", type=Path)
    return parser
