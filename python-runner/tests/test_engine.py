"""A dbt that is run as a command tells the same as one that is imported: here dbt Core, run by its command."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run, Runner, duckdb_profile
from test_environment import folder_with_uv, path_with
from test_stop import SLOW, assert_stopped, busy, read, stop_when
from waiting import wait_until

from kestra_dbt.protocol import (
    DbtCommand,
    DbtOptions,
    Failure,
    FailureCode,
    InvocationFinished,
    InvocationStarted,
    NodeFinished,
    NodeStarted,
    Outcome,
    ProjectLoaded,
    Secrets,
    ShellScript,
)

Project = Callable[[str], Path]
SECRETS = Secrets(profiles=duckdb_profile())
DBT = Path(sys.executable).parent / "dbt"
ONCE = {"queued_at", "started_at", "compiled_at", "finished_at", "execution_s", "thread", "index", "version", "kind"}
"""What differs from run to run."""


def at_its_queries(folder: Path) -> bool:
    """Tell whether both models that come first have sent their query, which can be cancelled only then."""
    return read(folder / "logs" / "dbt.log").count(b"from range(4000000000)") >= 2


def told(run: Run) -> dict[str, object]:
    """Return what a run tells of its nodes, but for times."""
    return {unique_id: node.model_dump(exclude=ONCE) for unique_id, node in run.nodes.items()}


def wrapper(folder: Path, *lines: str, name: str = "dbt") -> Path:
    """Return a command that no Python can import, which does ``lines`` and then is dbt."""
    folder.mkdir(exist_ok=True)
    script = folder / name
    script.write_text("\n".join(["#!/bin/sh", *lines, f'exec {DBT} "$@"', ""]))
    script.chmod(0o755)
    return folder


@pytest.mark.parametrize("name", ["shop", "broken/failing_model"])
def test_the_same_events(carry_out: Runner, project: Project, name: str) -> None:
    """Nodes, labels, parents, messages, logs, artifacts, the failure: all as from a dbt that is imported."""
    folder = project(name)
    imported = carry_out(DbtCommand(command=["build"]), SECRETS, folder=folder)
    (folder / "dev.duckdb").unlink()
    run = carry_out(DbtCommand(command=["build"], engine="FUSION"), SECRETS, folder=folder)
    assert run.plain == [f"dbt is run as a command, {DBT}: it is not imported.", *imported.plain]
    assert run.code == imported.code
    assert told(run) == told(imported)
    assert run.artifacts == imported.artifacts
    assert run.of(ProjectLoaded) == imported.of(ProjectLoaded)
    (started,), (as_imported,) = run.of(InvocationStarted), imported.of(InvocationStarted)
    assert started == as_imported.model_copy(update={"at": started.at, "invocation_id": None})
    assert [failure.sentence for failure in run.of(Failure)] == [failure.sentence for failure in imported.of(Failure)]
    assert figures(run) == figures(imported)
    for unique_id, node in run.nodes.items():
        assert [log.level for log in run.logs(unique_id)] == [log.level for log in imported.logs(unique_id)]
        assert node.queued_at <= node.started_at <= (node.compiled_at or node.started_at) <= node.finished_at
    log = run.artifact("dbt.log").read_text()
    assert log.count("Running with dbt=") == 1
    assert '"info": {' not in log


def figures(run: Run) -> tuple[object, ...]:
    """Return how a run ended, but for its duration."""
    return run.ended.outcome, run.ended.reason, run.ended.summary.model_copy(update={"seconds": 0})


def test_a_script(carry_out: Runner, project: Project) -> None:
    """Each dbt of a script is followed, and its output goes where the script sends it, as dbt itself writes it."""
    folder = project("broken/failing_model")
    text = """
        dbt --quiet ls --resource-type model --output name > models.txt
        dbt build > build.txt || echo "failed with $?"
        dbt --log-level error run --select elsewhere
        dbt --help > help.txt
    """
    run = carry_out(ShellScript(engine="FUSION"), Secrets(profiles=SECRETS.profiles, script=text), folder=folder)
    assert (folder / "models.txt").read_text().split() == ["after_boom", "after_elsewhere", "boom", "elsewhere"]
    assert "1 of 4 START sql table model main.boom" in (folder / "build.txt").read_text()
    assert "{" not in (folder / "build.txt").read_text().replace("{{", "")
    assert run.plain[1:] == ["failed with 1"]
    assert (folder / "help.txt").read_text().startswith("Usage: dbt")
    assert [s.command for s in run.of(InvocationStarted)] == ["ls", "build", "run"]
    assert [(f.invocation, f.exit_code) for f in run.of(InvocationFinished)] == [(1, 0), (2, 1), (3, 0), (4, 0)]
    assert [
        (n.invocation, n.unique_id.split(".")[-1], n.status) for n in run.of(NodeFinished) if n.invocation == 3
    ] == [(3, "elsewhere", "success")]
    assert len([n for n in run.of(NodeFinished) if n.invocation == 2]) == 4
    (boom,) = [n for n in run.of(NodeFinished) if n.label == "boom"]
    assert "Conversion Error" in str(boom.message)
    assert {"2-build/run_results.json", "2-build/dbt.log", "3-run/manifest.json"} <= run.artifacts
    assert run.ended.outcome is Outcome.WARNING


def test_tables(carry_out: Runner, project: Project) -> None:
    """`list` and `show` give the same tables; a macro that fails says why."""
    folder = project("broken/warning")
    listed = carry_out(DbtCommand(command=["list"], engine="FUSION"), SECRETS, folder=folder)
    rows = [json.loads(line) for line in listed.artifact("nodes.ion").read_text().splitlines()]
    assert {row["resource_type"] for row in rows} == {"model", "test"}
    inline = DbtOptions(inline="select 1.10::decimal(8, 2) as price, 'x' as name union all select 2, 'y'", limit=5)
    shown = carry_out(DbtCommand(command=["show"], options=inline, engine="FUSION"), SECRETS, folder=folder)
    assert shown.code == 0, shown
    rows = [json.loads(line) for line in shown.artifact("rows.ion").read_text().splitlines()]
    assert sorted((row["name"], float(row["price"])) for row in rows) == [("x", 1.1), ("y", 2.0)]


@pytest.mark.parametrize(
    ("command", "profile", "told"),
    [
        (["build", "--nope"], "shop", (FailureCode.REQUEST, "No such option '--nope'")),
        (["build"], "other", (FailureCode.PROJECT, "profile named 'shop'")),
        (["run-operation", "none"], "shop", (FailureCode.PROJECT, "none")),
    ],
)
def test_what_is_wrong_is_said(
    carry_out: Runner, project: Project, command: list[str], profile: str, told: tuple[FailureCode, str]
) -> None:
    """One sentence, as from a dbt that is imported."""
    secrets = Secrets(profiles=duckdb_profile(profile))
    run = carry_out(DbtCommand(command=command, engine="FUSION"), secrets, folder=project("broken/warning"))
    assert run.failure.code is told[0], run.failure
    assert told[1] in run.failure.sentence


def test_what_can_not_be_imported_is_run(carry_out: Runner, project: Project, bare_python: str, tmp_path: Path) -> None:
    """With AUTO, the `dbt` on PATH; the runner brings what it needs itself. With CORE, it is said to be unused."""
    path = path_with(str(wrapper(tmp_path / "bin")), folder_with_uv(tmp_path / "uv"))
    env = {"PATH": path, "KESTRA_DBT_CACHE": str(tmp_path / "cache")}
    folder = project("broken/warning")
    run = carry_out(
        DbtCommand(command=["test"], args=["--select", "none"]), SECRETS, folder=folder, python=bare_python, env=env
    )
    assert run.code == 0, run
    assert [line.split(" in ")[0] for line in run.plain] == [
        "Made a virtual environment with pydantic>=2.5,<3",
        f"dbt is run as a command, {tmp_path}/bin/dbt: it is not imported.",
    ]
    assert "`--select none` selects nothing" in str(run.ended.reason)
    run = carry_out(DbtCommand(command=["test"], engine="CORE"), SECRETS, folder=folder, python=bare_python, env=env)
    assert run.failure.sentence.endswith(f"The command {tmp_path}/bin/dbt is not used because of `engine: CORE`.")
    env["PATH"] = path_with()
    run = carry_out(DbtCommand(command=["test"], engine="FUSION"), SECRETS, folder=folder, python=bare_python, env=env)
    assert (run.code, run.failure.code) == (2, FailureCode.ENVIRONMENT)
    assert run.failure.sentence.startswith("`engine: FUSION` needs a command `dbtf` or `dbt`, and none is on PATH")


def test_a_command_that_tells_nothing_is_not_trusted(carry_out: Runner, project: Project, tmp_path: Path) -> None:
    """A dbt that ends well without a word about its nodes fails the run; what it prints is in the log."""
    silent = tmp_path / "bin" / "dbtf"
    silent.parent.mkdir()
    silent.write_text("#!/bin/sh\necho all is well\necho really >&2\n")
    silent.chmod(0o755)
    env = {"PATH": os.pathsep.join([str(silent.parent), os.environ["PATH"]])}
    request = DbtCommand(command=["build"], engine="FUSION")
    run = carry_out(request, SECRETS, folder=project("broken/warning"), env=env)
    assert (run.code, run.failure.code, run.failure.detail) == (2, FailureCode.INTERNAL, "really")
    assert run.failure.sentence.startswith(f"{silent} ended well, but wrote no JSON log")
    assert run.plain[-1] == "all is well"


def test_it_is_interrupted_once_and_has_its_grace(carry_out: Runner, project: Project) -> None:
    """A stop reaches it, it cancels its queries and ends by itself; what was done is told."""
    folder = project("broken/slow")
    request = DbtCommand(command=["build"], args=SLOW, engine="FUSION")
    run = carry_out(request, SECRETS, folder=folder, during=stop_when(lambda: at_its_queries(folder), 30))
    assert_stopped(run)
    assert "killed" not in run.failure.sentence
    assert {"manifest.json", "dbt.log", "run_results.json", "nodes.ion", "summary.md", "report.html"} <= run.artifacts
    assert {node.unique_id for node in run.of(NodeStarted)} == {"model.slow.left_1", "model.slow.right_1"}
    assert not [node for node in run.nodes.values() if node.outcome is not Outcome.SKIPPED]


def test_one_that_dies_keeps_what_it_told(carry_out: Runner, project: Project, tmp_path: Path) -> None:
    """What was written until then is kept. In a script, a SIGTERM for it alone is handed on, as one by `timeout`."""
    folder = project("broken/slow")
    dbts = wrapper(tmp_path / "bin", f"echo $$ >> {tmp_path}/pids", name="dbtf")
    env = {"PATH": os.pathsep.join([str(dbts), os.environ["PATH"]])}

    def kill_the_first(_: subprocess.Popen[bytes]) -> None:
        wait_until(lambda: busy(folder))
        os.kill(int((tmp_path / "pids").read_text().split()[0]), signal.SIGKILL)

    text = r"""
        dbt build --vars '{rows: 4000000000}' || echo "died of $?"
        rm -r logs
        dbt build --vars '{rows: 4000000000}' &
        until [ "$(grep -cs 'from range' logs/dbt.log)" -ge 2 ]; do sleep 0.2; done
        kill -TERM $!
        wait $! || echo "ended with $?"
    """
    secrets = Secrets(profiles=SECRETS.profiles, script=text)
    run = carry_out(ShellScript(engine="FUSION"), secrets, folder=folder, env=env, during=kill_the_first)
    assert run.plain[1:] == ["died of 137", "ended with 2"]
    assert [(f.invocation, f.exit_code) for f in run.of(InvocationFinished)] == [(2, 2)]
    assert {"1-build/manifest.json", "1-build/dbt.log", "2-build/run_results.json"} <= run.artifacts
