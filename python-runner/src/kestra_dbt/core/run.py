"""Carries out one request for dbt Core, from its first check to the Ended event."""

import os
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from kestra_dbt.core.collection import Collector
from kestra_dbt.core.invoker import invoker
from kestra_dbt.core.judgement import judge
from kestra_dbt.core.node_retries import merge_results, with_retries
from kestra_dbt.core.options import arguments
from kestra_dbt.core.private import put_dbt_on_path, write_private
from kestra_dbt.core.reception import Reception
from kestra_dbt.core.resumption import resumed
from kestra_dbt.core.state import with_state, write_empty
from kestra_dbt.core.supervision import supervised
from kestra_dbt.core.system import die_with_parent
from kestra_dbt.core.tables import Table, table_of
from kestra_dbt.errors import ProjectError, RequestError
from kestra_dbt.graph.flow.listing import LISTED, list_followed, listed
from kestra_dbt.graph.pack import OF_THE_WHOLE, PACK
from kestra_dbt.graph.running import Part
from kestra_dbt.own_command import own_command
from kestra_dbt.protocol import (
    Artifact,
    DbtCommand,
    DbtOptions,
    DbtRequest,
    GraphFlow,
    GraphNode,
    Secrets,
    ShellScript,
)
from kestra_dbt.report.ending import report_end
from kestra_dbt.report.output import OutputFolder
from kestra_dbt.report.results import NODES_FILE, Results
from kestra_dbt.report.table_file import write
from kestra_dbt.standard_output import write_event, write_line
from kestra_dbt.stop_file import StopFile
from kestra_dbt.terms.commands import is_list, runs_nodes

RESULTS_FILE = "run_results.json"

_PLAIN_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash"})
_SEARCH_DEPTH = 4


def run(request: DbtRequest, secrets: Secrets, output: Path, stop_file: StopFile) -> int:
    """Carry out ``request``; everything is reported as events on standard output. Return the exit code.

    Raises:
        KestraDbtError: it can't even be started, for a reason in the request or the project.
        StoppedError: it was told to stop before.
    """
    began = time.monotonic()
    folder = OutputFolder(output, write_event)
    results = Results(folder.path(NODES_FILE))
    collector = Collector(folder, OF_THE_WHOLE if isinstance(request, GraphNode) else frozenset())
    reception = Reception(results, collector, write_line)
    child = supervised(lambda private: _work(request, secrets, private, folder), request, secrets, reception, stop_file)
    results.begun = child.begun
    chosen = listed(folder.path(LISTED))
    results.close()
    if folder.path(PACK).is_file():
        folder.announce(PACK)
    collector.announce_by_invocation()
    if isinstance(request, DbtCommand) and request.retry_nodes:
        _as_one(results, folder)
    end = judge(request, child.exit_code, results, reception.failures, stopped=child.stopped)
    if isinstance(request, GraphFlow) and end.failure is None:
        from kestra_dbt.graph.flow.task import flow_of_listing  # noqa: PLC0415 - it needs PyYAML, as dbt does

        end = flow_of_listing(request, secrets, results, folder, chosen) or end
    summary = results.summary(time.monotonic() - began)
    if NODES_FILE not in results.tables:
        folder.announce(NODES_FILE)
    report_end(end, results, summary, folder, write_event)
    return end.exit_code


def _as_one(results: Results, folder: OutputFolder) -> None:
    """Make one result of a command and the retries of its nodes."""
    results.let_retries_count()
    of_nodes = [i for i in results.invocations.values() if runs_nodes(i.command) and RESULTS_FILE in i.artifacts]
    if len(of_nodes) > 1:
        merge_results([folder.path(f"{i.name}/{RESULTS_FILE}") for i in of_nodes], folder.path(RESULTS_FILE))
        folder.announce(RESULTS_FILE)


def _work(request: DbtRequest, secrets: Secrets, private: Path, folder: OutputFolder) -> Callable[[], int]:
    match request:
        case DbtCommand():
            _check_profiles(request, secrets)
            _check_project(request.options.project_dir)
            return lambda: _run_command(request, secrets, folder, private)
        case GraphFlow():
            _check_profiles(request, secrets)
            _check_project(request.options.project_dir)
            return lambda: _list(request, secrets, folder)
        case GraphNode():
            return Part(request, secrets).run
        case ShellScript():
            if not secrets.script:
                raise RequestError("`commands` is empty: give at least one command, such as `dbt build`.")
            own_dbt = put_dbt_on_path(private, own_command())
            os.environ["PATH"] = f"{own_dbt}{os.pathsep}{os.environ.get('PATH') or os.defpath}"
            if request.project_dir:  # it may yet be cloned by the script, and the script may change its folder
                os.environ["DBT_PROJECT_DIR"] = str(Path(request.project_dir).absolute())
            command = _script_command(request.interpreter, secrets.script, private)
            return lambda: _become(command)


def _run_command(request: DbtCommand, secrets: Secrets, folder: OutputFolder, private: Path) -> int:
    invoke = invoker()
    if request.pack:
        return _prepare(request, secrets, invoke, folder)
    for empty in request.empty_states:
        write_empty(Path(empty))
    command, options = request.command[0], with_state(request.options)
    more = ["--output", "json", *request.args] if is_list(command) else request.args
    given = arguments(request.command, options, secrets, more)
    if request.resume:
        given = resumed(command, given, request.resume, private / "resume") or given
    if request.retry_nodes:
        code = with_retries(invoke, given, request.retry_nodes, folder, private / "retry")
    else:
        code = invoke(given, lambda result: _keep(table_of(command, result, options.output_keys), folder))
    if code == 0 and request.generate_docs:
        kept = DbtOptions(**request.options.model_dump(include=_DOCS_OPTIONS))
        code = invoke(arguments(["docs", "generate", "--static"], kept, Secrets(vars=secrets.vars), []))
    return code


def _prepare(request: DbtCommand, secrets: Secrets, invoke: Callable[..., int], folder: OutputFolder) -> int:
    from kestra_dbt.graph.preparing import prepare  # noqa: PLC0415 - it imports dbt

    for empty in request.empty_states:
        write_empty(Path(empty))
    return prepare(request, secrets, invoke, folder.path(PACK))


def _list(request: GraphFlow, secrets: Secrets, folder: OutputFolder) -> int:
    return list_followed(
        request, secrets, invoker(), lambda result: _keep(table_of("ls", result, []), folder), folder.path(LISTED)
    )


def _keep(table: Table | None, folder: OutputFolder) -> Artifact | None:
    if table is None:
        return None
    rows = write(table.rows, folder.path(table.file))
    return folder.artifact(table.name, table.file, rows)


_DOCS_OPTIONS = {"project_dir", "profiles_dir", "profile", "target", "threads", "target_path", "log_path"}


def _script_command(interpreter: list[str], script: str, private: Path) -> list[str]:
    """A shell reads the script from a private file rather than from its command line, where everyone could see it."""
    *words, last = interpreter
    if Path(interpreter[0]).name in _PLAIN_SHELLS and re.fullmatch("-[a-z]*c", last):
        kept = [] if last == "-c" else [last[:-1]]  # -ec is -e and -c
        return [*words, *kept, str(write_private(private / "commands", script))]
    return [*interpreter, script]


def _become(command: list[str]) -> NoReturn:
    sys.stdout.flush()
    for number in (signal.SIGPIPE, signal.SIGXFSZ):  # Python ignores them, and programs in a pipe count on them
        signal.signal(number, signal.SIG_DFL)
    die_with_parent(signal.SIGKILL)  # a dbt notices by itself that the supervisor is gone, and cancels its queries
    try:
        os.execvp(command[0], command)  # noqa: S606 - it is the shell that the user named
    except OSError as error:
        print(f"{command[0]}: {error.strerror}", file=sys.stderr)  # noqa: T201 - as a shell would
        os._exit(127)


def _check_profiles(request: DbtCommand | GraphFlow, secrets: Secrets) -> None:
    if secrets.profiles and request.options.profiles_dir:
        raise RequestError("Both `profiles` and `profiles_dir` are set: keep the one that is meant.")


def _check_project(project_dir: str | None) -> None:
    folder = Path(project_dir or ".")
    if (folder / "dbt_project.yml").is_file():
        return
    found = _projects_below(Path())
    hint = f"there is one in {', '.join(f'`{f}`' for f in found)}" if found else "none is in the working directory"
    wrong = "does not exist" if not folder.is_dir() else "holds no dbt_project.yml"
    named = f"The project folder `{project_dir}`" if project_dir else "The working directory"
    raise ProjectError(
        f"{named} {wrong}: {hint}; set `projectDir`, and bring the project in by `namespaceFiles`, `inputFiles` or a "
        "clone in the same WorkingDirectory."
    )


def _projects_below(root: Path) -> list[str]:
    """Return the folders with a dbt_project.yml, a few at most, packages left out."""
    found: list[str] = []
    for folder, subfolders, files in os.walk(root):
        depth = len(Path(folder).parts)
        subfolders[:] = [f for f in sorted(subfolders) if f not in ("dbt_packages", "target") and not f.startswith(".")]
        if depth >= _SEARCH_DEPTH:
            subfolders.clear()
        if "dbt_project.yml" in files:
            found.append(str(Path(folder)))
    return found[:5]
