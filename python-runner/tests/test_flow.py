"""`kestra-dbt flow`: the graph of tasks that a project becomes, shown by manifests and by a real project."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from kestra_dbt.errors import ProjectError, RequestError
from kestra_dbt.graph.flow.command_line import run_command_line
from kestra_dbt.graph.flow.flow import Flow, flow_from_manifest
from kestra_dbt.graph.flow.manifest import from_content
from kestra_dbt.graph.flow.size import advice, engine_seconds
from kestra_dbt.graph.flow.text import to_yaml
from kestra_dbt.protocol import FlowOptions

Json = dict[str, Any]


def manifest(*nodes: Json, version: int = 12) -> Json:
    """Return a manifest.json with these nodes."""
    content: Json = {
        "metadata": {
            "dbt_schema_version": f"https://schemas.getdbt.com/dbt/manifest/v{version}.json",
            "dbt_version": "1.11.0",
            "project_name": "shop",
        }
    }
    sections = {"source": "sources", "exposure": "exposures", "unit_test": "unit_tests"}
    for entry in nodes:
        content.setdefault(sections.get(entry["resource_type"], "nodes"), {})[entry["unique_id"]] = entry
    return content


def node(
    node_name: str, *parents: str, kind: str = "model", package: str = "shop", folder: str = "", **more: object
) -> Json:
    """Return a node; parents are ids, or names of models of the same package."""
    above = [parent if "." in parent else f"model.{package}.{parent}" for parent in parents]
    return {
        "unique_id": f"{kind}.{package}.{node_name}",
        "resource_type": kind,
        "name": node_name,
        "package_name": package,
        "original_file_path": f"models/{folder}/{node_name}.sql" if folder else f"models/{node_name}.sql",
        "depends_on": {"nodes": above},
        **more,
    }


def flow(
    *nodes: Json,
    chosen: set[str] | None = None,
    whole: bool = True,
    **options: Any,  # noqa: ANN401 - as FlowOptions has them
) -> Flow:
    """Return the flow of a manifest with these nodes."""
    read = from_content(manifest(*nodes), "manifest.json")
    return flow_from_manifest(read, chosen, FlowOptions(**options), whole=whole)


def entries(written: Flow) -> dict[str, Json]:
    """Return the tasks of the graph by id; each is there once."""
    tasks = next(task for task in written.content["tasks"] if task["id"] == "dbt")["tasks"]
    found = {entry["task"]["id"]: entry for entry in tasks}
    assert len(found) == len(tasks)
    return found


def edges(written: Flow) -> dict[str, list[str]]:
    """Return what each task waits for; all of it is there, and no task waits for itself in the end."""
    found = {task_id: entry.get("dependsOn", []) for task_id, entry in entries(written).items()}
    left = dict(found)
    while left:
        free = [task_id for task_id, above in left.items() if not set(above) & set(left)]
        assert free, f"a cycle: {left}"
        for task_id in free:
            del left[task_id]
    assert all(above in found for waits in found.values() for above in waits)
    return found


def nodes_of(written: Flow) -> dict[str, list[str]]:
    """Return the nodes of each task, by the names in their ids."""
    return {
        task_id: [unique_id.split(".", 2)[2] for unique_id in entry["task"].get("nodes", [])]
        for task_id, entry in entries(written).items()
    }


CHAIN = (node("a"), node("b", "a", config={"materialized": "ephemeral"}), node("c", "b"), node("d", "c"))


def test_edges_go_through_what_is_not_run() -> None:
    """An ephemeral model is no task, and neither is one that is not selected; what is below waits for what is above."""
    assert edges(flow(*CHAIN)) == {"a": [], "c": ["a"], "d": ["c"]}
    assert edges(flow(*CHAIN, chosen={"model.shop.a", "model.shop.d"})) == {"a": [], "d": ["a"]}


def test_what_is_left_out_on_purpose_is_named() -> None:
    """Collect knows it by `exclude`, unless a selection tells what is in the graph; then it is of a part."""
    chosen = {"model.shop.a", "model.shop.b"}
    (collect,) = flow(*CHAIN, chosen=chosen).content["finally"]
    assert collect["exclude"] == ["model.shop.c", "model.shop.d"]
    for other in (flow(*CHAIN), flow(*CHAIN, chosen=chosen, whole=False)):
        assert "exclude" not in other.content["finally"][0]


TESTED = (
    node("a"),
    node("b"),
    node("c", "a", "b"),
    node("unique_a", "a", kind="test"),
    node("a_like_b", "a", "b", kind="test"),
    node("u", "c", kind="unit_test"),
    node("lonely", kind="test"),
)


def test_tests_are_with_the_last_of_what_they_are_about() -> None:
    """A test of two models makes one wait for the other; a test of nothing is a task."""
    written = flow(*TESTED)
    assert nodes_of(written) == {
        "a": ["a", "unique_a"], "b": ["b", "a_like_b"], "c": ["c", "u"], "lonely": ["lonely"]
    }  # fmt: skip
    assert edges(written) == {"a": [], "b": ["a"], "c": ["a", "b"], "lonely": []}


def test_tests_of_their_own_hold_back_what_is_below() -> None:
    """As in `dbt build`. A unit test stays with its model, because it comes before it."""
    written = flow(*TESTED, tests="own")
    assert nodes_of(written)["c"] == ["c", "u"]
    assert edges(written) == {
        "a": [], "b": [], "lonely": [], "unique_a": ["a"], "a_like_b": ["a", "b"],
        "c": ["a", "a_like_b", "b", "unique_a"],
    }  # fmt: skip


def test_tests_at_the_end() -> None:
    """One task, after all that they are about."""
    written = flow(*TESTED, tests="end")
    assert nodes_of(written)["tests"] == ["a_like_b", "lonely", "unique_a"]
    assert edges(written) == {"a": [], "b": [], "c": ["a", "b"], "tests": ["a", "b"]}


SOURCE = node(
    "raw.t", kind="source", source_name="raw", name="t", freshness={"warn_after": {"count": 1, "period": "day"}}
)


def test_sources_are_gates_if_asked_and_their_tests_always() -> None:
    """A source without tests is no task unless it is a gate."""
    below = node("a", SOURCE["unique_id"])
    assert nodes_of(flow(SOURCE, below)) == {"a": ["a"]}
    gated = flow(SOURCE, below, freshness_gates=True)
    assert nodes_of(gated) == {"a": ["a"], "source_raw_t": ["raw.t"]}
    assert edges(gated)["a"] == ["source_raw_t"]
    tested = (SOURCE, below, node("not_null_t", SOURCE["unique_id"], kind="test"))
    assert nodes_of(flow(*tested))["source_raw_t"] == ["not_null_t"]
    assert edges(flow(*tested)) == {"a": ["source_raw_t"], "source_raw_t": []}
    assert edges(flow(*tested, tests="own")) == {"a": ["not_null_t"], "not_null_t": []}


def test_exposures_are_leaves_if_asked() -> None:
    """They say where they are, and run nothing."""
    exposure = node("report", "a", kind="exposure", url="https://example.com/{{ x }}", description="Weekly.")
    assert list(entries(flow(node("a"), exposure))) == ["a"]
    entry = entries(flow(node("a"), exposure, exposures=True))["exposure_report"]
    assert entry["dependsOn"] == ["a"]
    assert entry["task"]["description"] == "Weekly. https://example.com/{ { x }}"


def test_groups_that_wait_for_each_other_are_split() -> None:
    """x1 (in x) -> y1 (in y) -> x2 (in x): x becomes two tasks, and no other group does."""
    project = (
        node("x1", folder="x"),
        node("y1", "x1", folder="y"),
        node("x2", "y1", folder="x"),
        node("z", "x2", folder="z"),
    )
    written = flow(*project, granularity="folder")
    assert nodes_of(written) == {"x": ["x1"], "y": ["y1"], "x_2": ["x2"], "z": ["z"]}
    assert edges(written) == {"x": [], "y": ["x"], "x_2": ["y"], "z": ["x_2"]}
    assert written.split == ["models/x"]


def test_a_test_of_two_groups_splits_none() -> None:
    """x -> y, and a test of both: it goes to y, the later one."""
    project = (node("x1", folder="x"), node("y1", "x1", folder="y"), node("t", "x1", "y1", kind="test"))
    assert nodes_of(flow(*project, granularity="folder")) == {"x": ["x1"], "y": ["y1", "t"]}


@pytest.mark.parametrize(
    ("granularity", "expected"),
    [
        ("layer", {"staging": ["a", "b"], "marts": ["c"]}),
        ("folder", {"staging_one": ["a"], "staging_two": ["b"], "marts": ["c"]}),
        ("tag", {"blue": ["a", "c"], "untagged": ["b"]}),
        ("package", {"shop": ["a", "b", "c"]}),
    ],
)
def test_granularity(granularity: str, expected: Mapping[str, list[str]]) -> None:
    """What one task holds."""
    project = (
        node("a", folder="staging/one", tags=["red", "blue"]),
        node("b", folder="staging/two"),
        node("c", folder="marts", tags=["blue"]),
    )
    assert nodes_of(flow(*project, granularity=granularity)) == expected


def test_ids_are_valid_and_distinct_whatever_the_names() -> None:
    """Both of two that clash get longer names; so does one that is called as a task of the flow."""
    long = "x" * 300
    project = (
        node("orders"), node("orders", package="other"), node("dbt"), node("été & co"), node("数"), node("_hidden"),
        node(long), node(f"{long}y"), node("Prepare"),
    )  # fmt: skip
    ids = list(entries(flow(*project)))
    assert {"shop_orders", "other_orders", "shop_dbt", "shop_Prepare", "ete___co", "hidden"} < set(ids)
    assert all(len(task_id) <= 80 and task_id[0].isalnum() and task_id.isascii() for task_id in ids)


def test_nothing_from_outside_is_an_expression_or_breaks_out() -> None:
    """Kestra would render `{{ }}` in nodes; YAML reads back what was written."""
    name = 'a{{ secret("X") }}"\n- id: evil\u2028\x07'
    written = flow(node(name, description='{{ 1 }} {% if %} {{{ " \n: # - &a *a !!python'))
    (entry,) = entries(written).values()
    assert entry["task"]["nodes"] == [f"{{% raw %}}model.shop.{name}{{% endraw %}}"]
    assert not {"{{", "{%", "{#"} & {entry["task"]["description"][at : at + 2] for at in range(100)}
    assert yaml.safe_load(to_yaml(written.content)) == written.content
    with pytest.raises(ProjectError, match="raw block"):
        flow(node("a{{ {% endraw %}"))


def test_what_looks_like_a_number_stays_a_text() -> None:
    """In any version of YAML."""
    for name in ("0o14", "1_000", "08", "on", "null", "1:30", "~", "1e3", "=", "yes"):
        text = to_yaml({"id": name})
        assert yaml.safe_load(text) == {"id": name}
        assert text[4] in "\"'" or not name[0].isdigit()


def test_the_same_project_gives_the_same_flow() -> None:
    """Whatever the order in the manifest; a new model changes its own task alone."""
    first = to_yaml(flow(*TESTED).content)
    assert to_yaml(flow(*reversed(TESTED)).content) == first
    more = to_yaml(flow(*TESTED, node("new", "c")).content).splitlines()
    assert [line for line in first.splitlines() if line not in more] == []


def test_descriptions_are_short_and_link_to_the_documentation() -> None:
    """The first words of a description, and the node's page."""
    (entry,) = entries(flow(node("a", description="word " * 200), docs_url="https://docs.example.com/")).values()
    assert entry["task"]["description"].endswith("… https://docs.example.com/#!/model/model.shop.a")
    assert len(entry["task"]["description"]) < 220


def test_peoples_own_properties_are_kept() -> None:
    """They go into each part of the flow, tasks before and after included."""
    settings = {
        "flow": {"labels": {"team": "a"}, "tasks": [{"id": "first"}], "finally": [{"id": "last"}]},
        "prepare": {"projectDir": "shop"},
        "node": {"retry": {"type": "constant"}},
    }
    content = flow(node("a"), settings=settings, concurrent=0).content
    assert [task["id"] for task in content["tasks"]] == ["first", "prepare", "dbt"]
    assert [task["id"] for task in content["finally"]] == ["collect", "last"]
    assert content["tasks"][1]["projectDir"] == "shop"
    assert "concurrent" not in content["tasks"][2]
    assert content["tasks"][2]["tasks"][0]["task"]["retry"] == {"type": "constant"}
    assert content["labels"] == {"team": "a"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({}, "no manifest.json"),
        ([], "no manifest.json"),
        (manifest(version=4), "schema version 4"),
        (manifest(version=99), "schema version 99"),
        (manifest(node("a", "b"), node("b", "a")), "cycle through model.shop.a"),
    ],
)
def test_manifests_that_cannot_be_used(content: Any, words: str) -> None:  # noqa: ANN401
    """One sentence says why."""
    with pytest.raises(ProjectError, match=words):
        from_content(content, "manifest.json")


def test_nothing_selected_is_an_error() -> None:
    """An ephemeral model alone is nothing to run."""
    with pytest.raises(RequestError, match="Nothing of the project shop"):
        flow(*CHAIN, chosen={"model.shop.b"})


def test_a_large_graph_is_said_beforehand() -> None:
    """With what Kestra takes for it, and for a coarser one."""
    assert engine_seconds(1000) == pytest.approx(279, abs=1)
    assert advice(300, {}) is None
    assert "29 min" not in str(advice(3000, {"folder": 20}))
    assert "`folder`: 20 tasks, 2 s" in str(advice(3000, {"folder": 20}))
    large = flow(*(node(f"m{index}", *([f"m{index - 1}"] if index else [])) for index in range(3000)))
    assert large.tasks == 3000


def test_check_tells_what_is_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 1, and the tasks that are new, gone or changed; comments and layout do not matter."""
    file, kept = tmp_path / "manifest.json", tmp_path / "flow.yaml"
    file.write_text(json.dumps(manifest(*TESTED)))
    arguments = ["--manifest", str(file)]
    assert run_command_line([*arguments, "--check", str(kept)]) == 1
    assert run_command_line([*arguments, "-o", str(kept)]) == 0
    kept.write_text(f"# by hand\n{kept.read_text()}")
    assert run_command_line([*arguments, "--check", str(kept)]) == 0
    file.write_text(json.dumps(manifest(node("a"), node("b", "a"), node("new"))))
    capsys.readouterr()
    assert run_command_line([*arguments, "--check", str(kept)]) == 1
    assert capsys.readouterr().err.splitlines()[1:] == ["new (1): new", "gone (2): c, lonely", "changed (2): a, b"]


def test_bad_use_is_said_in_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing is written."""
    assert run_command_line(["--manifest", str(tmp_path / "none.json")]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert run_command_line(["--manifest", "m.json", "--select", "a"]) == 2
    assert "taken as a whole" in capsys.readouterr().err
    settings = tmp_path / "settings.yaml"
    settings.write_text("nodes: {}")
    assert run_command_line(["--manifest", "m.json", "--settings", str(settings)]) == 2
    assert "not nodes" in capsys.readouterr().err
    settings.write_text("node: {id: a}")
    assert run_command_line(["--manifest", "m.json", "--settings", str(settings)]) == 2
    assert "id of a task cannot be set" in capsys.readouterr().err


def test_a_project_is_selected_from_by_dbt(project: Callable[[str], Path]) -> None:
    """`--select` and `--exclude` are dbt's; the project's folder stays as it was."""
    folder = project("shop")
    (folder / "profiles.yml").write_text("shop: {target: dev, outputs: {dev: {type: duckdb, path: ':memory:'}}}")
    selection = [
        "--select",
        "+stg_orders",
        "+fct_orders",
        "-s",
        "stg_customers",
        "--exclude",
        "resource_type:unit_test",
        "--indirect-selection",
        "empty",
    ]
    command = [sys.executable, "-m", "kestra_dbt", "flow", "--project-dir", str(folder), *selection]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert ended.returncode == 0, ended.stderr
    tasks = yaml.safe_load(ended.stdout)["tasks"][1]["tasks"]
    found = {entry["task"]["id"]: entry.get("dependsOn", []) for entry in tasks}
    assert {"fct_orders", "stg_customers"} <= set(found)
    assert "dim_customers" not in found
    assert "orders" in found["stg_orders"]
    assert not [one for entry in tasks for one in entry["task"]["nodes"] if one.startswith("test.")]
    assert not (folder / "target").exists()
    less = [*command[: -len(selection)], "--exclude", "fct_orders+"]
    collect = yaml.safe_load(subprocess.run(less, capture_output=True, check=True, cwd=folder).stdout)["finally"][0]
    assert "model.shop.fct_orders" in collect["exclude"]
    assert "model.shop.stg_orders" not in collect["exclude"]
