"""The command line ``kestra-dbt``, with its commands ``run``, ``dbt``, ``platform``, ``flow`` and ``schema``."""

import argparse
import os
from pathlib import Path

from kestra_dbt import __version__
from kestra_dbt.core.own_state import with_state_kept
from kestra_dbt.core.task_profiles import with_task_profiles
from kestra_dbt.protocol import (
    PROTOCOL_VERSION,
    SECRETS_VARIABLE,
    DbtRequest,
    GraphCollect,
    GraphFlow,
    Request,
    Secrets,
    SetUp,
)
from kestra_dbt.request_file import read_request, read_secrets, told_if_not_begun
from kestra_dbt.standard_output import nobody_reads, write_event
from kestra_dbt.stop_file import StopFile

SHARED_VARIABLE = "KESTRA_DBT_SHARED"
"""Environment variable with the path of a socket: instead of the request, all that are sent there are carried out.

The request only tells what interpreter is needed.
"""

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
    # nothing that runs later may inherit them
    secrets = os.environ.pop(SECRETS_VARIABLE, None)
    with told_if_not_begun(write_event) as ending:
        stop_file = StopFile(request_file)
        ending.exit_code = _carry_out(read_request(request_file), read_secrets(secrets), output, stop_file)
    return ending.exit_code


def _carry_out(request: Request, secrets: Secrets, output: Path, stop_file: StopFile) -> int:
    if isinstance(request, GraphFlow) and request.manifest is not None:
        from kestra_dbt.graph.flow.task import flow_of_manifest  # noqa: PLC0415 - likewise

        return flow_of_manifest(request, request.manifest, secrets, output)
    if isinstance(request, DbtRequest):
        from kestra_dbt.core.run import run  # noqa: PLC0415 - what one kind needs, the other may not have

        return run(request, secrets, output, stop_file)
    if isinstance(request, SetUp):
        from kestra_dbt.core.set_up import set_up  # noqa: PLC0415

        return set_up(request, secrets, stop_file)
    if isinstance(request, GraphCollect):
        from kestra_dbt.graph.collecting import collect  # noqa: PLC0415

        return collect(request, secrets, output, stop_file)
    shared = os.environ.pop(SHARED_VARIABLE, None)
    if shared:
        from kestra_dbt.platform.shared.serving import serve  # noqa: PLC0415

        return serve(Path(shared))
    from kestra_dbt.platform.caller import Caller  # noqa: PLC0415
    from kestra_dbt.platform.carry_out import run as run_on_platform  # noqa: PLC0415

    return run_on_platform(request, secrets, output, Caller(write_event, stop_file.take, nobody_reads))


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
