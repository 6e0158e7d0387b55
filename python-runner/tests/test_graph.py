"""The pieces of a graph's runner, without dbt: which commands run what, how results become one, the cache of packs."""

import importlib.metadata
import json
import threading
import zipfile
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from kestra_dbt.errors import RequestError
from kestra_dbt.graph.cache import unpacked
from kestra_dbt.graph.index import Index, Place
from kestra_dbt.graph.merging import edges_with_tests, left_out, merged
from kestra_dbt.graph.pack import Contents, unpack, write_pack
from kestra_dbt.graph.project import check_version
from kestra_dbt.graph.promoting import promotion
from kestra_dbt.graph.selecting import Step, known, steps
from kestra_dbt.protocol import NodeFinished, Outcome, OwnState, Promotion

INDEX = Index(
    dbt_version="1.11.16",
    project="shop",
    place=Place(target="dev", adapter="duckdb", database="shop", schema_name="main"),
    nodes={
        "model.shop.a": "model",
        "model.shop.hidden": "ephemeral",
        "seed.shop.s": "seed",
        "source.shop.raw.t": "source",
        "test.shop.a_ok.1": "test",
        "unit_test.shop.a.adds": "unit_test",
        "operation.shop.hook": "operation",
    },
)
TESTED = {"unit_test.shop.a.adds": "model.shop.a"}


def test_each_node_is_run_by_the_command_it_needs() -> None:
    """Sources are checked first; a unit test runs with its model, or by itself if that one is in another task."""
    assert steps(["test.shop.a_ok.1", "model.shop.a", "source.shop.raw.t", "unit_test.shop.a.adds"], INDEX, TESTED) == [
        Step(["source", "freshness"], ["source.shop.raw.t"]),
        Step(["build"], ["model.shop.a", "test.shop.a_ok.1", "unit_test.shop.a.adds"]),
    ]
    assert steps(["seed.shop.s", "unit_test.shop.a.adds"], INDEX, TESTED) == [
        Step(["test"], ["unit_test.shop.a.adds"]),
        Step(["build"], ["seed.shop.s"]),
    ]
    assert steps(["test.shop.a_ok.1"], INDEX, TESTED) == [Step(["test"], ["test.shop.a_ok.1"])]


def test_nodes_that_cannot_be_run_are_refused() -> None:
    """Ephemeral models are left to those that read them; what is gone, or is nothing to run, is named."""
    assert known(["model.shop.hidden", "model.shop.a", "model.shop.a"], INDEX) == ["model.shop.a"]
    with pytest.raises(RequestError, match=r"model\.shop\.gone, which the project shop does not have \(any more\)"):
        known(["model.shop.gone"], INDEX)
    with pytest.raises(RequestError, match=r"operation\.shop\.hook, which dbt does not run"):
        known(["operation.shop.hook"], INDEX)


def result(name: str, status: str, second: int = 0) -> dict[str, Any]:
    """Return a result as run_results.json has it."""
    began, ended = (f"2026-01-15T10:20:{second + more:02}.000000Z" for more in (0, 1))
    timing = [{"name": "execute", "started_at": began, "completed_at": ended}]
    return {"unique_id": name, "status": status, "message": None, "timing": [] if status == "skipped" else timing}


def part(folder: Path, name: str, at: str, *results: dict[str, Any]) -> Path:
    """Write the results of a task."""
    args = {"which": "build", "select": ["tag:x"], "threads": 2}
    file = folder / f"{name}-run_results.json"
    file.write_text(json.dumps({"metadata": {"generated_at": at}, "args": args, "results": results}))
    return file


def test_results_become_one(tmp_path: Path) -> None:
    """The newest result of a node counts, whatever the order of the files; hooks of all tasks are kept."""
    later = part(
        tmp_path, "b", "2026-01-15T10:21", result("model.shop.a", "success", 30), result("operation.h", "pass")
    )
    earlier = part(tmp_path, "a", "2026-01-15T10:20", result("model.shop.a", "error", 1), result("operation.h", "pass"))
    whole = merged([later, earlier])
    assert whole is not None
    assert [(entry["unique_id"], entry["status"]) for entry in whole["results"]] == [
        ("operation.h", "pass"),
        ("model.shop.a", "success"),
        ("operation.h", "pass"),
    ]
    assert whole["elapsed_time"] == 31.0
    assert whole["args"] == {"which": "build", "threads": 2, "invocation_command": "dbt build"}
    assert merged([]) is None


def test_what_a_failure_left_out_is_named() -> None:
    """Descendants without a result are skipped, with the name of what failed; of a failing test, those of its model."""
    children = {"model.a": ["test.a", "model.b"], "model.b": ["model.c"], "model.x": ["model.y"]}
    parents = {"test.a": ["model.a"], "model.b": ["model.a"], "model.c": ["model.b"], "model.y": ["model.x"]}
    results = [result("model.a", "success"), result("test.a", "fail"), result("model.x", "success")]
    results.append(result("model.b", "skipped"))  # by dbt, in the same task
    nodes = ["model.a", "model.b", "model.c", "model.x", "model.y"]
    edges = edges_with_tests(children, parents)
    skipped = left_out(results, [], nodes, edges)
    assert {entry["unique_id"]: entry["message"] for entry in skipped} == {
        "model.c": "Skipped, because test.a failed.",
    }
    assert {entry["status"] for entry in skipped} == {"skipped"}
    assert [(entry["unique_id"], entry["message"]) for entry in left_out(results, nodes, [], edges)] == [
        ("model.c", "Skipped, because test.a failed."),
        ("model.y", "Skipped, because its task did not run."),
    ]


def finished(name: str, outcome: Outcome = Outcome.SUCCESS) -> NodeFinished:
    """Return how a node ended."""
    at = datetime(2026, 1, 1, tzinfo=timezone.utc)
    return NodeFinished(
        invocation=2, unique_id=name, label=name, resource_type="model", outcome=outcome, status="", queued_at=at,
        started_at=at, finished_at=at,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("nodes", "lost", "args", "obstacle"),
    [
        (("model.a", "test.a"), (), {}, None),
        (("model.a",), (), {}, "the graph was of a part of the project, without test.a"),
        ((), (), {}, "the graph was of a part of the project, without model.a and 1 more"),
        (("model.a", "test.a"), ("a",), {}, "a left no results"),
        (("model.a", "test.a"), (), {"sample": "3 days"}, "nodes ran with `empty` or `sample`"),
    ],
    ids=["whole", "a_test_is_missing", "nothing", "a_task_died", "a_sample"],
)
def test_the_state_is_replaced_by_the_whole_project_alone(
    tmp_path: Path, nodes: list[str], lost: list[str], args: dict[str, Any], obstacle: str | None
) -> None:
    """What is ephemeral, or nothing that a build runs, needs no result; else the obstacle is named."""
    kinds = {
        "model.a": "model",
        "test.a": "test",
        "model.e": "ephemeral",
        "source.s": "source",
        "exposure.e": "exposure",
    }
    own = OwnState(project="shop", target="dev", branch="main")
    results = tmp_path / "run_results.json"
    results.write_text(json.dumps({"args": args}))
    index = INDEX.model_copy(update={"nodes": kinds, "own_state": own})
    told = promotion(index, map(finished, nodes), lost, [results])
    assert told == Promotion(project="shop", target="dev", branch="main", obstacle=obstacle)


def test_what_did_not_do_well_keeps_the_state() -> None:
    """What failed or was skipped, or a target that was not meant; what is left out on purpose does not."""
    own = OwnState(project="shop", target="dev", branch="main")
    index = INDEX.model_copy(update={"nodes": {"model.a": "model", "model.b": "model"}, "own_state": own})
    nodes = [finished("model.a", Outcome.FAILED), finished("model.b", Outcome.SKIPPED)]
    told = promotion(index, nodes, [], [])
    assert told is not None
    assert told.obstacle == "model.a and 1 more failed or did not run"
    assert promotion(index.model_copy(update={"own_state": None}), nodes, [], []) is None
    without = promotion(index, [finished("model.a")], [], [], ["model.b"])
    assert without is not None
    assert without.obstacle is None
    elsewhere = index.model_copy(update={"own_state": own.model_copy(update={"target": "prod"})})
    told = promotion(elsewhere, map(finished, index.nodes), [], [])
    assert told is not None
    assert told.obstacle == "dbt ran project shop on target dev, so set `target` of Prepare"


def test_a_pack_of_another_dbt_is_refused() -> None:
    """What a dbt has parsed is for the same version alone."""
    check_version(INDEX.model_copy(update={"dbt_version": importlib.metadata.version("dbt-core")}))
    with pytest.raises(RequestError, match=r"was parsed by dbt 1\.5\.0, and here is dbt .*the same `dependencies`"):
        check_version(INDEX.model_copy(update={"dbt_version": "1.5.0"}))


@pytest.fixture
def project(tmp_path: Path) -> Contents:
    """Return a project as dbt leaves it."""
    folder, target = tmp_path / "project", tmp_path / "project" / "target"
    target.mkdir(parents=True)
    (folder / "dbt_project.yml").write_text("name: shop\n")
    (folder / "shop.duckdb").write_text("data")
    (folder / ".git").mkdir()
    (folder / ".git" / "HEAD").write_text("ref")
    (target / "manifest.json").write_text('{"metadata": {"generated_at": 1}, "nodes": {"a": {"created_at": 1}}}')
    (target / "partial_parse.msgpack").write_bytes(b"parsed at 1")
    return Contents(folder, target, None, [target])


def test_the_same_project_makes_the_same_pack(project: Contents, tmp_path: Path) -> None:
    """Its id tells when anything of the project changed, and nothing else; data and history are left out."""
    first = write_pack(tmp_path / "1.zip", INDEX, project)
    (project.parsed / "manifest.json").write_text(
        '{"metadata": {"generated_at": 2}, "nodes": {"a": {"created_at": 2}}}'
    )
    (project.parsed / "partial_parse.msgpack").write_bytes(b"parsed at 2")
    assert write_pack(tmp_path / "2.zip", INDEX, project).id == first.id
    own = OwnState(project="shop", target="dev", branch="topic")
    assert write_pack(tmp_path / "branch.zip", INDEX.model_copy(update={"own_state": own}), project).id == first.id
    assert write_pack(tmp_path / "3.zip", INDEX.model_copy(update={"vars": {"day": 1}}), project).id != first.id
    (project.project / "dbt_project.yml").write_text("name: shop2\n")
    assert write_pack(tmp_path / "4.zip", INDEX, project).id != first.id
    assert sorted(zipfile.ZipFile(tmp_path / "1.zip").namelist()) == [
        "manifest.json",
        "pack.json",
        "partial_parse.msgpack",
        "project.zip",
    ]
    (tmp_path / "folder").mkdir()
    unpack(tmp_path / "1.zip", tmp_path / "folder")
    assert sorted(path.name for path in (tmp_path / "folder" / "project").iterdir()) == ["dbt_project.yml"]


def test_a_pack_is_unpacked_once_by_many(project: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those who come together all find a whole one; nothing half unpacked is left beside it."""
    monkeypatch.setenv("KESTRA_DBT_CACHE", str(tmp_path / "cache"))
    pack = tmp_path / "pack.zip"
    index = write_pack(pack, INDEX, project)
    folders: list[Path] = []
    threads = [threading.Thread(target=lambda: folders.append(unpacked(pack)[1])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(folders) == {tmp_path / "cache" / "packs" / index.id}
    assert len(folders) == 8
    assert (folders[0] / "project" / "dbt_project.yml").read_text() == "name: shop\n"
    assert list((tmp_path / "cache" / "packs").iterdir()) == [folders[0]]


@pytest.mark.parametrize("lost", ["partial_parse.msgpack", "manifest.json"])
def test_a_pack_that_was_partly_cleaned_up_is_unpacked_anew(
    project: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    """What cleans old files off a machine takes them one by one."""
    monkeypatch.setenv("KESTRA_DBT_CACHE", str(tmp_path / "cache"))
    pack = tmp_path / "pack.zip"
    write_pack(pack, INDEX, project)
    _, folder = unpacked(pack)
    (folder / lost).unlink()
    assert unpacked(pack)[1] == folder
    assert (folder / lost).is_file()
    assert list(folder.parent.iterdir()) == [folder]


@pytest.mark.parametrize("damaged", ["project.zip", "manifest.json"])
def test_a_damaged_pack_is_refused(
    project: Contents, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damaged: str
) -> None:
    """Nothing of it stays."""
    monkeypatch.setenv("KESTRA_DBT_CACHE", str(tmp_path / "cache"))
    pack = tmp_path / "pack.zip"
    write_pack(pack, INDEX, project)
    content = bytearray(pack.read_bytes())
    at = zipfile.ZipFile(pack).getinfo(damaged).header_offset + 30 + len(damaged) + 30
    content[at : at + 10] = bytes(10)
    pack.write_bytes(content)
    with pytest.raises(RequestError, match="not what a Prepare task of this release makes"):
        unpacked(pack)
    assert list((tmp_path / "cache" / "packs").iterdir()) == []


def test_a_pack_of_another_release_is_refused(project: Contents, tmp_path: Path) -> None:
    """So is what is no pack at all."""
    newer = tmp_path / "newer.zip"
    write_pack(newer, INDEX.model_copy(update={"format": 99}), project)
    with pytest.raises(RequestError, match="of format 99 and this runner reads 2: have Prepare make a new one"):
        unpacked(newer)
    (tmp_path / "text.zip").write_text("no zip")
    with pytest.raises(RequestError, match="not what a Prepare task of this release makes"):
        unpacked(tmp_path / "text.zip")
