"""Runs larger than what Kestra takes from a task, or than anybody reads: nothing is lost, and nothing fails."""

import json
import re
from pathlib import Path

import flows
import pytest
from conftest import TESTS, Kestra
from test_core_build import logs_of, node_runs

REPLAY = TESTS.parent / "bench" / "replay.py"
"""Tells of a build of any size without one."""

NODES = 2_000

LINES = 20_000
OF_A_NODE = 1_000
"""How many lines are in the log of the node; those that follow are in the task's."""

PROJECT = {
    "dbt_project.yml": "name: shop\nversion: '1.0'\nprofile: shop\n",
    "models/noisy.sql": """
        {% if execute %}{% for n in range(var('lines')) %}
            {% do log('line ' ~ n ~ ' of a flood', info=true) %}
        {% endfor %}{% endif %}
        select 1 as id
        """,
}


@pytest.mark.by_turns
def test_each_line_of_a_flood_is_in_the_log(engine: Kestra, tmp_path: Path) -> None:
    """A model that logs without an end: its first lines are its own, the others are in the task's log, with its id."""
    for name, text in PROJECT.items():
        file = tmp_path / "files" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    result = engine.run(flows.build(f"vars: {{lines: {LINES}}}"), tmp_path / "out", files=tmp_path / "files")

    assert result.state == "SUCCESS", result.log_text[-3000:]
    node = logs_of(result, node_runs(result)["model.shop.noisy"]["id"])
    task = logs_of(result, result.task_run("build")["id"])
    assert "The log of this node goes on in that of the task." in node
    own, others = numbers("", node), numbers("model.shop.noisy: ", task)
    assert sorted(own + others) == list(range(LINES))
    assert own == list(range(len(own)))
    assert 0 <= OF_A_NODE - len(own) <= 1, "but for dbt's own line, which says that it starts"


def numbers(begin: str, messages: list[str]) -> list[int]:
    """Return the numbers of the flood's lines among these."""
    return [
        int(found[1])
        for found in (re.fullmatch(f"{re.escape(begin)}line (\\d+) of a flood", m) for m in messages)
        if found
    ]


def test_nodes_that_kestra_has_no_room_for_have_no_row(engine: Kestra, tmp_path: Path) -> None:
    """Kestra fails a task whose result is larger than 1 MB: some of 2,000 nodes have no row, and all else is there."""
    size = {"BENCH_NODES": str(NODES), "BENCH_LINES": "1", "BENCH_MANIFEST_MB": "1"}
    task = {"id": "build", "type": "io.kestradbt.core.Build", "pythonPath": str(REPLAY), "env": size}
    after = {
        "id": "after",
        "type": "io.kestra.plugin.core.log.Log",
        "message": "{{ outputs.build.summary.nodes }} nodes",
    }
    flow = json.dumps({"id": "large", "namespace": "company.tests", "tasks": [task, after]}, indent=1)

    result = engine.run(flow, tmp_path / "out")

    assert result.state == "SUCCESS", result.log_text[-3000:]
    assert f"{NODES} nodes" in result.log_text
    rows = len(result.task_runs) - 2
    assert NODES / 2 < rows < NODES
    told = logs_of(result, result.task_run("build")["id"])
    assert any(line.startswith(f"{NODES - rows} of the nodes have no row in the Gantt") for line in told)
    lines = [log["message"] for log in result.logs if "[OK in 0.10s]" in log["message"]]
    assert len(lines) == NODES, "each line of a node is in its own log or in the task's"
