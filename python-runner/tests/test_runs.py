"""Whole runs with real dbt on DuckDB, as an orchestrator sees them: events in, artifacts out."""

import errno
import json
import os
import re
import signal
import subprocess
import textwrap
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run, Runner, duckdb_profile, small_disk

from kestra_dbt.protocol import (
    DbtCommand,
    DbtOptions,
    Event,
    Failure,
    FailureCode,
    InvocationStarted,
    Lineage,
    Metric,
    NodeFinished,
    NodeStarted,
    Outcome,
    ProjectLoaded,
    Secrets,
    ShellScript,
)
from kestra_dbt.request_file import told_if_not_begun

Project = Callable[[str], Path]
SECRETS = Secrets(profiles=duckdb_profile())
BUILD = DbtCommand(command=["build"])


def script(text: str) -> Secrets:
    """Return secrets with a script and a profile."""
    return Secrets(profiles=duckdb_profile(), script=text)


def assert_all_told(run: Run) -> None:
    """Assert that the artifacts every run leaves are there, and agree with the events."""
    assert {"manifest.json", "run_results.json", "dbt.log", "nodes.ion", "summary.md", "report.html"} <= run.artifacts
    results = json.loads(run.artifact("run_results.json").read_text())["results"]
    assert {result["unique_id"] for result in results} <= set(run.nodes)
    rows = [json.loads(line) for line in run.artifact("nodes.ion").read_text().splitlines()]
    assert [row["unique_id"] for row in rows] == [node.unique_id for node in run.of(NodeFinished)]


def test_build_of_a_whole_project(carry_out: Runner, project: Project) -> None:
    """A build reports each node once with true times, and leaves every artifact dbt wrote."""
    request = DbtCommand(command=["build"], generate_docs=True)
    run = carry_out(request, SECRETS, folder=project("shop"))
    assert run.code == 0, run
    assert run.ended.outcome is Outcome.SUCCESS
    assert_all_told(run)
    assert {"semantic_manifest.json", "target.zip", "catalog.json", "docs.html"} <= run.artifacts
    # the documentation step does not hide the results of the build
    assert json.loads(run.artifact("run_results.json").read_text())["args"]["which"] == "build"
    assert run.artifact("docs.html").read_bytes().lstrip().lower().startswith(b"<!doctype html>")
    assert any(name.startswith("compiled/") for name in zipfile.ZipFile(run.artifact("target.zip")).namelist())

    finished = run.of(NodeFinished)
    assert len(finished) == len(run.nodes) == run.ended.summary.nodes
    begun = min(event.at for event in run.of(InvocationStarted))
    for node in finished:
        assert begun <= node.queued_at <= node.started_at <= node.finished_at
        assert node.compiled_at is None or node.started_at <= node.compiled_at <= node.finished_at
    for test in (node for node in finished if node.resource_type in ("test", "unit_test")):
        assert test.parent is not None
    results = {r["unique_id"]: r for r in json.loads(run.artifact("run_results.json").read_text())["results"]}
    for unique_id, result in results.items():
        assert run.nodes[unique_id].status == result["status"]
    for started in run.of(NodeStarted):
        assert [log for log in run.logs(started.unique_id) if "START" in log.message]
    assert run.of(ProjectLoaded)[0].project == "shop"
    assert not [line for line in run.plain if "START" in line], "dbt's lines come once, as events"
    assert {(m.name, m.tags.get("outcome")) for m in run.of(Metric)} >= {("nodes", "success"), ("duration", None)}
    assert "resource_tracker" not in run.stderr

    # each table that was written, once, with the tables that its parents are
    wrote = {event.unique_id: event for event in run.of(Lineage)}
    kept = ("model", "seed", "snapshot")
    assert set(wrote) == {node.unique_id for node in finished if node.resource_type in kept and node.relation}
    assert len(wrote) == len(run.of(Lineage))
    orders = wrote["model.shop.fct_orders"]
    assert (orders.relation.schema_name, orders.relation.table) == ("main", "fct_orders")
    manifest = json.loads(run.artifact("manifest.json").read_text())
    parents = {**manifest["nodes"], **manifest["sources"]}
    named = {parents[parent]["alias"] for parent in manifest["nodes"]["model.shop.fct_orders"]["depends_on"]["nodes"]}
    assert {relation.table for relation in orders.reads} == named


def test_only_what_this_run_wrote_is_collected(carry_out: Runner, project: Project) -> None:
    """Artifacts of an earlier run that lie in the target folder are not this run's."""
    folder = project("broken/warning")
    (folder / "target").mkdir()
    (folder / "logs").mkdir()
    old = folder / "target" / "catalog.json"
    old.write_text("{}")
    os.utime(old, (time.time() - 60,) * 2)
    (folder / "logs" / "dbt.log").write_text("an old line\n")
    run = carry_out(DbtCommand(command=["parse"]), SECRETS, folder=folder)
    assert run.code == 0, run
    assert "catalog.json" not in run.artifacts
    assert "run_results.json" not in run.artifacts
    log = run.artifact("dbt.log").read_text()
    assert "an old line" not in log
    assert "Running with dbt" in log


def test_target_and_log_paths_of_the_user(carry_out: Runner, project: Project) -> None:
    """Artifacts come from where dbt really wrote them."""
    request = DbtCommand(
        command=["build"], options=DbtOptions(target_path="elsewhere/target", log_path="elsewhere/log")
    )
    run = carry_out(request, SECRETS, folder=project("broken/warning"))
    assert_all_told(run)


def test_a_failing_model(carry_out: Runner, project: Project) -> None:
    """The failing node is named, what depends on it is skipped, the rest is built and nothing is lost."""
    run = carry_out(BUILD, SECRETS, folder=project("broken/failing_model"))
    assert (run.code, run.ended.outcome, run.failure.code) == (1, Outcome.FAILED, FailureCode.NODES)
    assert run.failure.sentence == "1 of 4 nodes failed: model boom; 1 was skipped because of that."
    assert run.nodes["model.failing_model.boom"].message
    outcomes = {node.label: node.outcome for node in run.nodes.values()}
    assert outcomes["after_boom"] is Outcome.SKIPPED
    assert outcomes["after_elsewhere"] is Outcome.SUCCESS
    assert_all_told(run)
    assert "boom" in run.artifact("summary.md").read_text()


def test_a_failing_test(carry_out: Runner, project: Project) -> None:
    """A failing test tells how many rows failed, under the model that it tests."""
    run = carry_out(BUILD, SECRETS, folder=project("broken/failing_test"))
    assert run.failure.sentence.startswith("1 of ")
    (test,) = [node for node in run.nodes.values() if node.outcome is Outcome.FAILED]
    assert (test.resource_type, test.status, test.parent) == ("test", "fail", "model.failing_test.people")
    assert test.failures
    assert test.label.startswith("not_null.")
    assert_all_told(run)


def test_a_warning_test(carry_out: Runner, project: Project) -> None:
    """A test that warns makes the run a warning, with the reason in one sentence."""
    run = carry_out(BUILD, SECRETS, folder=project("broken/warning"))
    assert (run.code, run.ended.outcome) == (0, Outcome.WARNING)
    assert "1 of 3 nodes ended with a warning: test " in (run.ended.reason or "")


def test_nothing_selected(carry_out: Runner, project: Project) -> None:
    """A selection that matches nothing is not a silent success."""
    request = DbtCommand(command=["build"], options=DbtOptions(select=["tag:nobody"]))
    run = carry_out(request, SECRETS, folder=project("broken/warning"))
    assert (run.code, run.ended.outcome) == (0, Outcome.WARNING)
    assert run.ended.reason == "`dbt build` executed nothing: `--select tag:nobody` selects nothing."


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("broken_sql", FailureCode.PROJECT, ["does not compile", "models/lost.sql"]),
        ("broken_yaml", FailureCode.PROJECT, ["does not parse", "models.yml", "line 4"]),
    ],
)
def test_a_broken_project(carry_out: Runner, project: Project, name: str, code: FailureCode, words: list[str]) -> None:
    """What is broken is said with its file, and dbt's log is kept."""
    run = carry_out(BUILD, SECRETS, folder=project(f"broken/{name}"))
    assert (run.code, run.failure.code) == (2, code)
    for word in words:
        assert word in run.failure.sentence, run.failure
    assert "\n" not in run.failure.sentence
    assert "Traceback" not in f"{run.failure.detail}{run.stderr}"
    assert "dbt.log" in run.artifacts


def test_an_unknown_project_folder(carry_out: Runner, project: Project) -> None:
    """The sentence tells which folders hold a project."""
    root = project("broken/warning")
    request = DbtCommand(command=["build"], options=DbtOptions(project_dir="shpo"))
    run = carry_out(request, SECRETS, folder=root.parent)
    assert (run.code, run.failure.code) == (2, FailureCode.PROJECT)
    assert run.failure.sentence.startswith(
        "The project folder `shpo` does not exist: there is one in `work`; set `projectDir`"
    )


def test_an_unknown_profile(carry_out: Runner, project: Project) -> None:
    """A project whose profile isn't there says so."""
    secrets = Secrets(profiles=duckdb_profile("other"))
    run = carry_out(BUILD, secrets, folder=project("broken/warning"))
    assert run.failure.code is FailureCode.PROJECT
    assert "profile" in run.failure.sentence
    assert "shop" in run.failure.sentence or "warning" in run.failure.sentence


def test_an_adapter_that_is_not_installed(carry_out: Runner, project: Project) -> None:
    """The sentence names the package to add."""
    profiles = duckdb_profile().replace('"duckdb"', '"oracle"')
    run = carry_out(BUILD, Secrets(profiles=profiles), folder=project("broken/warning"))
    assert run.failure.code is FailureCode.ENVIRONMENT
    assert "add `dbt-oracle` to `dependencies`" in run.failure.sentence


@pytest.mark.parametrize(
    ("request_fields", "words"),
    [
        ({"kind": "dbt_command", "command": ["bild"]}, ["No such command 'bild'"]),
        ({"kind": "dbt_command", "command": ["build"], "args": ["--nope"]}, ["--nope"]),
        ({"kind": "dbt_command", "command": ["build"], "options": {"threads": "many"}}, ["threads", "many"]),
        ({"kind": "dbt_command", "command": ["build"], "options": {"colour": "red"}}, ["colour"]),
        ({"kind": "dance"}, ["dance"]),
        ({"kind": "dbt_command", "command": ["build"], "version": "2.3"}, ["version 2.3", "speaks 1.0"]),
        ({"kind": "shell_script"}, ["`commands` is empty"]),
    ],
)
def test_a_request_that_can_not_be_carried_out(
    carry_out: Runner,
    project: Project,
    request_fields: dict[str, object],
    words: list[str],
) -> None:
    """The sentence names the field and the value."""
    run = carry_out(request_fields, SECRETS, folder=project("broken/warning"))
    assert (run.code, run.ended.outcome, run.failure.code) == (2, Outcome.FAILED, FailureCode.REQUEST)
    for word in words:
        assert word in run.failure.sentence, run.failure


def test_a_script_of_several_commands(carry_out: Runner, project: Project) -> None:
    """Pipes, folders, quotes and several dbts work as in any shell; each dbt is reported with its artifacts."""
    text = """
        set -e
        dbt seed --select customers
        cd models && cd .. && dbt run --select stg_customers
        dbt test --select stg_customers --log-level debug | grep -c PASS
        dbt ls --quiet --output json --select stg_customers | head -1 | cut -c1-9
        echo "two  spaces" 'and $HOME'
    """
    run = carry_out(ShellScript(), script(text), folder=project("shop"))
    assert run.code == 0, run
    assert [event.command for event in run.of(InvocationStarted)] == ["seed", "run", "test", "ls"]
    assert {"1-seed/run_results.json", "2-run/run_results.json", "3-test/run_results.json"} <= run.artifacts
    assert json.loads(run.artifact("run_results.json").read_text())["args"]["which"] == "test"
    counted, first, quoted = run.plain
    assert int(counted) == len([n for n in run.of(NodeFinished) if n.invocation == 3 and n.resource_type == "test"])
    assert first.startswith('{"name":')
    assert quoted == "two  spaces and $HOME"


def test_a_script_that_goes_on_after_a_failure(carry_out: Runner, project: Project) -> None:
    """A failure that the script tolerates is a warning, not a silent success."""
    run = carry_out(ShellScript(), script("dbt build || true\n"), folder=project("broken/failing_model"))
    assert (run.code, run.ended.outcome) == (0, Outcome.WARNING)
    assert run.ended.reason == "`dbt build` failed, and the script went on."


def test_a_script_that_fails_by_itself(carry_out: Runner, project: Project) -> None:
    """An exit code that is not dbt's is said to be the script's."""
    run = carry_out(ShellScript(), script("dbt parse\nexit 7\n"), folder=project("broken/warning"))
    assert (run.code, run.failure.code) == (7, FailureCode.SCRIPT)
    assert "exit code 7, after 1 dbt command that did not fail" in run.failure.sentence


def test_a_process_left_behind_does_not_hold_the_run(carry_out: Runner, project: Project) -> None:
    """A background process that keeps the output open is not waited for."""
    began = time.monotonic()
    run = carry_out(
        ShellScript(), script("sleep 60 &\nsetsid sleep 60 &\necho done\n"), folder=project("broken/warning")
    )
    assert run.plain == ["done"]
    assert run.ended.outcome is Outcome.WARNING  # and a script without dbt is not green without a word
    assert time.monotonic() - began < 30


def test_noise(carry_out: Runner, project: Project) -> None:
    """Lines of any length and any bytes come through, events stay short, odd names become fine labels."""
    run = carry_out(BUILD, SECRETS, folder=project("broken/noisy"))
    assert run.code == 0, run.failure
    longest = max(len(line) for line in run.raw.splitlines())
    assert longest <= 16_100
    assert all(len(node.label) <= 120 for node in run.of(NodeFinished))
    assert "a plain line" in run.plain
    assert "x" * 1_000_000 in run.artifact("dbt.log").read_text()
    assert_all_told(run)


def test_output_that_is_not_utf_8(carry_out: Runner, project: Project) -> None:
    """Bytes that are no text are marked, and what is around them is kept; a line's missing end harms no event."""
    text = "printf 'caf\\351 \\377\\n'\nprintf 'no end'\ndbt parse --quiet\nprintf 'last'"
    run = carry_out(ShellScript(), script(text), folder=project("broken/warning"))
    assert run.plain[0] == "caf\ufffd \ufffd"
    assert "".join(run.plain).count("no end") == 1
    assert run.code == 0


def children_of(pid: int) -> list[int]:
    """Return the processes that ``pid`` started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


LATER_NODES_LAST = ["--vars", "{rows: 4000000000, first_rows: 1000000}"]
"""The first node of each chain is done at once, and the next takes a minute: there is always one to kill."""


def kill_at_second_node(number: int, log: Path) -> Callable[[subprocess.Popen[bytes]], None]:
    """Return a step that waits until dbt is at a second node, then sends the signal: to dbt if it kills, else to us."""

    def act(process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + 60
        while not (log.is_file() and re.search(r"_2 \.* \[RUN\]", log.read_text())) and time.monotonic() < deadline:
            time.sleep(0.05)
        target = children_of(process.pid)[0] if number == signal.SIGKILL else process.pid
        os.kill(target, number)

    return act


def test_dbt_killed_in_the_middle(carry_out: Runner, project: Project) -> None:
    """When the process that runs dbt is killed, what it did until then is still told and kept."""
    folder = project("broken/slow")
    during = kill_at_second_node(signal.SIGKILL, folder / "logs" / "dbt.log")
    run = carry_out(DbtCommand(command=["build"], args=LATER_NODES_LAST), SECRETS, folder=folder, during=during)
    assert (run.ended.outcome, run.failure.code) == (Outcome.FAILED, FailureCode.KILLED)
    assert "(killed, often for want of memory)" in run.failure.sentence
    assert "in the middle, while model " in run.failure.sentence
    assert run.of(NodeFinished)
    assert {"manifest.json", "dbt.log", "nodes.ion", "summary.md", "report.html"} <= run.artifacts


def test_a_run_told_to_stop(carry_out: Runner, project: Project) -> None:
    """A stop reaches dbt, which ends; what was done is told, and nothing is left behind."""
    folder = project("broken/slow")
    during = kill_at_second_node(signal.SIGTERM, folder / "logs" / "dbt.log")
    run = carry_out(DbtCommand(command=["build"], args=LATER_NODES_LAST), SECRETS, folder=folder, during=during)
    assert (run.ended.outcome, run.failure.code) == (Outcome.FAILED, FailureCode.KILLED)
    assert "nodes.ion" in run.artifacts


def test_secrets_stay_secret(carry_out: Runner, project: Project, tmp_path: Path) -> None:
    """No file that stays, no event and no environment of dbt's children has the profile or its password."""
    password = "hunter2-planted"
    profile = json.loads(duckdb_profile())
    profile["shop"]["outputs"]["dev"]["settings"] = {"TimeZone": "UTC"}
    profile["planted"] = {"outputs": {"x": {"type": "postgres", "password": password}}, "target": "x"}
    secrets = Secrets(profiles=json.dumps(profile), script="dbt parse\nenv | sort\nps -ef\n")
    run = carry_out(ShellScript(), secrets, folder=project("broken/warning"))
    assert run.code == 0, run
    assert password.encode() not in run.raw
    assert "KESTRA_DBT_SECRETS" not in run.raw.decode()
    kept = [file for file in tmp_path.rglob("*") if file.is_file() and password.encode() in file.read_bytes()]
    assert not kept


def test_no_line_passes_for_an_event(carry_out: Runner, project: Project) -> None:
    """What a script or a macro prints is plain, even if it looks like an event."""
    forged = '::kestra-dbt::{"version":"1.0","kind":"ended","outcome":"success","exit_code":0,"summary":{}}'
    run = carry_out(ShellScript(), script(f"echo '{forged}'\nexit 3\n"), folder=project("broken/warning"))
    assert run.plain == [f" {forged}"]
    assert (run.code, run.ended.outcome) == (3, Outcome.FAILED)


def test_a_long_temporary_folder(carry_out: Runner, project: Project, tmp_path: Path) -> None:
    """A path that is too long for a socket is no reason to fail."""
    folder = tmp_path / ("x" * 100)
    folder.mkdir()
    run = carry_out(
        DbtCommand(command=["parse"]), SECRETS, folder=project("broken/warning"), env={"TMPDIR": str(folder)}
    )
    assert run.code == 0, run


def test_an_output_folder_that_can_not_be_made(carry_out: Runner, project: Project, tmp_path: Path) -> None:
    """A fault of the machine is one sentence, too."""
    (tmp_path / "output").write_text("a file is in the way")
    run = carry_out(BUILD, SECRETS, folder=project("broken/warning"))
    assert (run.code, run.failure.code) == (2, FailureCode.INTERNAL)
    assert run.failure.sentence.startswith("The runner cannot work here: ")


def test_a_full_disk_before_anything_begins() -> None:
    """The system names no file then; it is said where room is needed."""
    told: list[Event] = []
    with told_if_not_begun(told.append):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    failure = told[0]
    assert isinstance(failure, Failure)
    assert failure.sentence.startswith("The runner cannot work here: No space left on device; it needs room"), failure


def test_a_full_disk_under_the_target_folder(carry_out: Runner, project: Project, tmp_path: Path) -> None:
    """It is said what to do, and what could be written elsewhere is there."""
    with small_disk(tmp_path / "target", "size=120k") as target:
        request = DbtCommand(command=["build"], options=DbtOptions(target_path=str(target)))
        run = carry_out(request, SECRETS, folder=project("shop"))
    assert run.failure.sentence.startswith("dbt could not write its files (No space left on device): make room"), run
    assert {"dbt.log", "nodes.ion", "summary.md", "report.html"} <= run.artifacts


@pytest.mark.parametrize("file", ["logs/dbt.log", "target/manifest.json", "target/run_results.json"])
def test_a_folder_in_the_place_of_what_dbt_writes(carry_out: Runner, project: Project, file: str) -> None:
    """It is named, with what to do."""
    folder = project("shop")
    (folder / file).mkdir(parents=True)
    run = carry_out(BUILD, SECRETS, folder=folder)
    assert (run.code, run.ended.outcome) == (2, Outcome.FAILED)
    assert re.match(
        rf"dbt could not use its files \(Is a directory: '\S+/{file}'\): remove what is in the way",
        run.failure.sentence,
    ), run


def test_a_target_folder_that_can_only_be_read(carry_out: Runner, project: Project, tmp_path: Path) -> None:
    """It is named, with what to do, which helps."""
    folder, other = project("shop"), tmp_path / "other"
    with small_disk(tmp_path / "target", "ro") as target:
        request = DbtCommand(command=["build"], options=DbtOptions(target_path=str(target)))
        run = carry_out(request, SECRETS, folder=folder)
    assert (run.code, run.ended.outcome) == (2, Outcome.FAILED)
    assert run.failure.sentence.startswith(f"dbt could not use its files (Read-only file system: '{target}/"), run
    assert "set `DBT_TARGET_PATH` and `DBT_LOG_PATH` in `env`" in run.failure.sentence
    env = {"DBT_TARGET_PATH": str(other), "DBT_LOG_PATH": str(other)}
    assert carry_out(BUILD, SECRETS, folder=folder, env=env).code == 0
    assert (other / "dbt.log").is_file()
    assert (other / "run_results.json").is_file()


def test_strangers_on_the_socket(carry_out: Runner, project: Project) -> None:
    """Whoever connects and hangs up, or talks nonsense, does not harm the run."""
    text = """
        python3 - <<'END'
        import os, socket
        for words in (b"", b"::kestra-dbt::{", b"nonsense\\n::kestra-dbt::{}\\n") * 20:
            with socket.socket(socket.AF_UNIX) as stranger:
                stranger.connect(os.environ["KESTRA_DBT_CHANNEL"])
                stranger.sendall(words)
        END
        dbt parse
    """
    run = carry_out(ShellScript(), script(textwrap.dedent(text)), folder=project("broken/warning"))
    assert [event.command for event in run.of(InvocationStarted)] == ["parse"]
    assert run.ended.outcome is Outcome.FAILED  # invocations that never said how they ended
    assert "manifest.json" in run.artifacts


def test_programs_in_a_pipe_end_as_in_any_shell(carry_out: Runner, project: Project) -> None:
    """A program that writes into a pipe that nobody reads any more ends by itself, without a word."""
    run = carry_out(ShellScript(), script("yes | head -1\ndbt parse\n"), folder=project("broken/warning"))
    assert (run.code, run.plain, run.stderr) == (0, ["y"], "")


def test_secret_variables_are_hidden_in_failures(carry_out: Runner, project: Project) -> None:
    """What dbt hides in its log is hidden in our sentence, too."""
    profiles = duckdb_profile().replace('"dev.duckdb"', "\"{{ env_var('DBT_ENV_SECRET_PW') }}/x.duckdb\"")
    env = {"DBT_ENV_SECRET_PW": "/nonexistent/hunter2-planted"}
    run = carry_out(BUILD, Secrets(profiles=profiles), folder=project("broken/warning"), env=env)
    assert run.ended.outcome is Outcome.FAILED
    assert b"hunter2-planted" not in run.raw
    assert "hunter2-planted" not in run.artifact("summary.md").read_text()
