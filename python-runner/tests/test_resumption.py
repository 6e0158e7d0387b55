"""Taking over from earlier runs: a state that there is none of yet, and attempts that failed or were stopped."""

import json
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

from conftest import Run, Runner, duckdb_profile
from test_runs import kill_at_second_node

from kestra_dbt.core.resumption import undone
from kestra_dbt.protocol import DbtCommand, DbtOptions, NodeFinished, Outcome, Resume, Secrets

Project = Callable[[str], Path]

SECRETS = Secrets(profiles=duckdb_profile())


def labels(run: Run) -> set[str]:
    """Return the nodes that a run executed."""
    return {node.label for node in run.of(NodeFinished) if node.outcome is not Outcome.SKIPPED}


def keep(run: Run, folder: Path, name: str) -> str:
    """Keep a run's results as a task does, and return the file as a request names it."""
    (folder / "kept").mkdir(exist_ok=True)
    shutil.copy(run.artifact("run_results.json"), folder / "kept" / name)
    return f"kept/{name}"


def resume(*results: str, **fields: Any) -> DbtCommand:  # noqa: ANN401
    """Return a build that goes on after attempts with these results."""
    after = f"Attempt {len(results)} of execution x"
    return DbtCommand(command=["build"], resume=Resume(after=after, results=list(results)), **fields)


def test_an_empty_state(carry_out: Runner, project: Project) -> None:
    """Compared with no earlier state, every node is new; nothing is deferred, and no earlier result is there."""
    folder = project("broken/warning")
    options = DbtOptions(select=["state:modified+", "result:error+"], state="kept/state", defer=True)
    request = DbtCommand(command=["build"], options=options, empty_states=["kept/state"])
    run = carry_out(request, SECRETS, folder=folder)
    assert run.ended.outcome is Outcome.WARNING, run
    assert {"people", "after_people"} < labels(run)


def test_going_on_after_a_failure(carry_out: Runner, project: Project) -> None:
    """What failed, what was skipped and what is new since is run; what was done is not, over several attempts."""
    folder = project("broken/failing_model")
    first = carry_out(DbtCommand(command=["build"]), SECRETS, folder=folder)
    assert first.ended.outcome is Outcome.FAILED
    assert labels(first) == {"boom", "elsewhere", "after_elsewhere"}
    one = keep(first, folder, "1.json")

    (folder / "models" / "boom.sql").write_text("select 1 as one")
    (folder / "models" / "after_boom.sql").write_text("select nothing from {{ ref('boom') }}")
    (folder / "models" / "new.sql").write_text("select 2 as two")
    second = carry_out(resume(one), SECRETS, folder=folder)
    assert second.ended.outcome is Outcome.FAILED
    assert labels(second) == {"boom", "after_boom", "new"}, second
    assert "Resuming after attempt 1 of execution x: 3 of 5 nodes are left." in second.plain
    two = keep(second, folder, "2.json")

    (folder / "models" / "after_boom.sql").write_text("select '{{ var('word') }}' as word from {{ ref('boom') }}")
    with_word = Secrets(profiles=SECRETS.profiles, vars={"word": "new"})
    third = carry_out(resume(one, two, engine="FUSION"), with_word, folder=folder)  # dbt as a command
    assert third.ended.outcome is Outcome.SUCCESS, third
    assert labels(third) == {"after_boom"}
    assert "Resuming after attempt 2 of execution x: 1 of 5 nodes are left." in third.plain
    assert json.loads(third.artifact("run_results.json").read_text())["args"]["which"] == "build"
    three = keep(third, folder, "3.json")

    fourth = carry_out(resume(one, two, three), with_word, folder=folder)
    assert fourth.ended.outcome is Outcome.SUCCESS, fourth
    assert labels(fourth) == {"boom", "after_boom", "elsewhere", "after_elsewhere", "new"}
    assert "Attempt 3 of execution x has left no node undone: everything is run again." in fourth.plain


def test_going_on_after_a_stop(carry_out: Runner, project: Project) -> None:
    """What had not begun when dbt was stopped is run too, although dbt wrote nothing of it."""
    folder = project("broken/slow")
    options = DbtOptions(select=["+left_3", "+right_2"], exclude=["right_1"])
    slow = Secrets(profiles=SECRETS.profiles, vars={"rows": 4_000_000_000, "first_rows": 1000})
    during = kill_at_second_node(signal.SIGTERM, folder / "logs" / "dbt.log")
    first = carry_out(
        DbtCommand(command=["build"], options=options.model_copy(update={"threads": 1})),
        slow,
        folder=folder,
        during=during,
    )
    done = {node.label for node in first.of(NodeFinished) if node.outcome is Outcome.SUCCESS}
    assert done
    quick = Secrets(profiles=SECRETS.profiles, vars={"rows": 1000})
    second = carry_out(resume(keep(first, folder, "1.json"), options=options), quick, folder=folder)
    assert second.ended.outcome is Outcome.SUCCESS, second
    assert labels(second) == {"left_1", "left_2", "left_3", "right_2"} - done


def test_what_is_undone() -> None:
    """Only what is executed by itself is due without a result; a result is kept as it was."""

    def node(name: str, resource_type: str = "model", **config: str) -> dict[str, Any]:
        return {"unique_id": name, "resource_type": resource_type, "config": config}

    batches = {"unique_id": "batched", "status": "partial success", "batch_results": {"failed": []}}
    done = {
        "ok": {"unique_id": "ok", "status": "success"},
        "warned": {"unique_id": "warned", "status": "warn"},
        "batched": batches,
    }
    selected = [
        *(node("ok"), node("warned", "test"), node("batched"), node("late", "unit_test")),
        *(node("inlined", materialized="ephemeral"), node("read", "source"), node("shown", "exposure")),
    ]
    left = undone(selected, done)
    assert [(entry["unique_id"], entry["status"]) for entry in left] == [
        ("batched", "partial success"),
        ("late", "skipped"),
    ]
    assert left[0] is batches
