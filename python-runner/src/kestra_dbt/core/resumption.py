"""Going on where earlier attempts at a command stopped: what they did is left out, whichever worker they ran on.

The run results of the attempts are made one, which `dbt retry` reads. A dbt that is stopped writes nothing of what it
had not begun, and `dbt retry` would pass over that: so what is left is what the selection lists now, without what is
done.
"""

import contextlib
import json
import os
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

from kestra_dbt.protocol import Resume
from kestra_dbt.terms.commands import listed_types
from kestra_dbt.terms.words import SELECTING, kept
from kestra_dbt.wishes import COMMAND_VARIABLE

Entry = dict[str, Any]
"""A result in run_results.json."""

UNDONE = frozenset({"error", "fail", "skipped", "runtime error", "partial success"})
"""Statuses that `dbt retry` tries again."""

_EXECUTED = frozenset({"model", "seed", "snapshot", "test", "unit_test", "function"})
"""Resource types that are due even if no attempt tells of them."""

_CONNECTING = frozenset(
    {"--project-dir", "--profiles-dir", "--profile", "--target", "--target-path", "--log-path", "--vars"}
)
"""Flags that every command takes: which project, on which warehouse."""

_LISTING = SELECTING | _CONNECTING | {"--exclude-resource-type", "--indirect-selection", "--state"}

_QUIET = ("--quiet", "--output", "json")


def resumed(command: str, given: list[str], resume: Resume, work: Path) -> list[str] | None:
    """Return the arguments of the `dbt retry` that goes on; None if all has to be run as if for the first time.

    Args:
        command: dbt's command, as `build`.
        given: its arguments, as they would be for the first time.
        resume: the attempts before.
        work: a folder for the run results that dbt reads.
    """
    attempts = [json.loads(Path(file).read_text(encoding="utf-8")) for file in resume.results]
    selected = _selected(command, given)
    left = undone(selected, {entry["unique_id"]: entry for attempt in attempts for entry in attempt["results"]})
    if not left:
        _tell(f"{resume.after} has left no node undone: everything is run again.")
        return None
    due = sum(_is_due(node) for node in selected)
    _tell(f"Resuming after {resume.after[0].lower()}{resume.after[1:]}: {len(left)} of {due} nodes are left.")
    return retry_of(given, attempts[-1], left, work)


def retry_of(given: list[str], last: Entry, left: list[Entry], work: Path) -> list[str]:
    """Return the arguments of the `dbt retry` that runs the nodes of ``left`` and no other.

    Args:
        given: arguments of the command as it was run first.
        last: the run results after which it goes on.
        left: results of the nodes to run, each with a status of UNDONE.
        work: a folder for what dbt reads.
    """
    work.mkdir(parents=True, exist_ok=True)
    results = {**last, "args": _arguments_of(last, given), "results": left}
    (work / "run_results.json").write_text(json.dumps(results), encoding="utf-8")
    return _retry(given, work)


def undone(selected: list[Entry], done: dict[str, Entry]) -> list[Entry]:
    """Return the results of the selected nodes that are not done: as they were, or as skipped where there was none."""
    left = []
    for node in selected:
        entry = done.get(node["unique_id"])
        if entry is None and _is_due(node):
            left.append(_skipped(node["unique_id"]))
        elif entry is not None and entry["status"] in UNDONE:
            left.append(entry)
    return left


def _is_due(node: Entry) -> bool:
    ephemeral = (node.get("config") or {}).get("materialized") == "ephemeral"
    return node["resource_type"] in _EXECUTED and not ephemeral


def _skipped(unique_id: str) -> Entry:
    times: Entry = {"timing": [], "thread_id": "", "execution_time": 0.0, "adapter_response": {}}
    nothing = dict.fromkeys(
        ("message", "failures", "compiled", "compiled_code", "relation_name", "batch_results"), None
    )
    return {"unique_id": unique_id, "status": "skipped", **times, **nothing}


def _selected(command: str, given: list[str]) -> list[Entry]:
    """Have dbt list what the command is about; nothing if it cannot, of which the command itself will tell."""
    fields = [part for field in ("unique_id", "resource_type", "config") for part in ("--output-keys", field)]
    chosen = kept(given, _LISTING)
    types = [] if "--resource-type" in chosen else [f"--resource-type={name}" for name in listed_types(command)]
    listed = _lines(["list", *chosen, *types, *fields, *_QUIET])
    return [json.loads(line) for line in listed if line.startswith("{")]


def _lines(arguments: list[str]) -> list[str]:
    if COMMAND_VARIABLE in os.environ:
        command = [os.environ[COMMAND_VARIABLE], *arguments]
        done = subprocess.run(command, stdout=subprocess.PIPE, encoding="utf-8", errors="replace", check=False)
        return done.stdout.splitlines() if done.returncode == 0 else []
    from dbt.cli.main import dbtRunner  # noqa: PLC0415 - a dbt that is run as a command may not be there

    with Path(os.devnull).open("w") as nowhere, contextlib.redirect_stdout(nowhere):  # it prints what it lists
        result = dbtRunner().invoke([*arguments, "--log-level", "none"])
    return [str(line) for line in result.result] if result.success and isinstance(result.result, list) else []


def _arguments_of(attempt: Entry, given: list[str]) -> Entry:
    """Return the arguments that `dbt retry` takes over, with the folder of the state where it is now."""
    state = _value("--state", given)
    known = {name: value for name, value in attempt["args"].items() if name != "state"}
    return {**known, "state": state} if state else known


def _retry(given: list[str], work: Path) -> list[str]:
    deferred = _value("--defer-state", given) or _value("--state", given)
    defer = ["--defer-state", deferred] if deferred else []
    # Without `--vars`, those of the attempt would count on.
    variables = [] if "--vars" in given else ["--vars", "{}"]
    return ["retry", "--state", str(work.absolute()), *defer, *kept(given, _CONNECTING | {"--threads"}), *variables]


def _value(flag: str, given: list[str]) -> str | None:
    return next((value for name, value in pairwise(given) if name == flag), None)


def _tell(sentence: str) -> None:
    print(sentence, flush=True)  # noqa: T201 - a line of the task's log
