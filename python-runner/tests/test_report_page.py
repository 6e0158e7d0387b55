"""The page of a run, report.html: what it is made of. What a browser shows of it is tested end to end."""

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from conftest import Runner, duckdb_profile

from kestra_dbt.protocol import DbtCommand, Event, Log, NodeFinished, NodeStarted, Outcome, Secrets
from kestra_dbt.report.ending import report_end
from kestra_dbt.report.output import OutputFolder
from kestra_dbt.report.page.lineage import lineage_of, parents_of
from kestra_dbt.report.results import Results
from kestra_dbt.report.verdict import Verdict

BEGAN = datetime(2026, 11, 28, 9, tzinfo=timezone.utc)
HOSTILE = "</script><img src=x onerror=alert(1)>'\"&amp;\u2028<!--"
LARGEST = 1_000_000


def node(name: str, number: int = 0, **more: Any) -> NodeFinished:  # noqa: ANN401
    """Return a node that ran for a second."""
    at = BEGAN + timedelta(seconds=number)
    end = at + timedelta(seconds=1)
    names = {"unique_id": name, "label": name.rpartition(".")[2], "resource_type": "model"}
    ended = {"outcome": Outcome.SUCCESS, "status": "success", "execution_s": 1.0, "thread": "Thread-1 (worker)"}
    return NodeFinished(invocation=1, queued_at=at, started_at=at, finished_at=end, **{**names, **ended, **more})


class Page:
    """Makes the page of results."""

    def __init__(self, folder: Path) -> None:
        self.events: list[Event] = []
        self.folder = OutputFolder(folder, self.events.append)
        self.results = Results(self.folder.path("nodes.ion"))
        self.results.invocation(1).command = "build"

    def artifact(self, name: str, content: str) -> None:
        """Leave an artifact."""
        self.folder.path(name).write_text(content)
        self.folder.announce(name)

    def written(self, end: Verdict | None = None) -> str:
        """Return the page."""
        verdict = end or Verdict(Outcome.FAILED, 1)
        report_end(verdict, self.results, self.results.summary(2), self.folder, self.events.append)
        return self.folder.path("report.html").read_text(encoding="utf-8")


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    """A run of which nothing is known yet."""
    made = Page(tmp_path)
    yield made
    made.results.close()


def data_of(page: str) -> dict[str, Any]:
    """Return the data of a page, each node by the names of its fields."""
    (told,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', page)
    data: dict[str, Any] = json.loads(told)
    return {**data, "nodes": [dict(zip(data["fields"], row, strict=True)) for row in data["nodes"]]}


def names_of(data: dict[str, Any]) -> list[str]:
    """Return the ids of nodes by their places in edges."""
    return [node["id"] for node in data["nodes"]] + data["others"]


def test_a_real_build(carry_out: Runner, project: Any) -> None:  # noqa: ANN401
    """Nodes, what failed with its message and SQL, and what depends on what: all that a build tells is in its page."""
    shop = project("shop")
    model = next(shop.rglob("dim_customers.sql"))
    model.write_text(model.read_text() + "\nlimit cast('no number' as integer)\n")
    run = carry_out(DbtCommand(command=["build"]), Secrets(profiles=duckdb_profile()), folder=shop)
    data = data_of(run.artifact("report.html").read_text())
    assert {node["id"]: node["outcome"] for node in data["nodes"]} == {
        unique_id: node.outcome.value for unique_id, node in run.nodes.items()
    }
    assert data["outcome"] == "failed"
    assert data["reason"] == run.failure.sentence
    (failed,) = [node for node in data["nodes"] if node["outcome"] == "failed"]
    assert "no number" in failed["message"]
    assert "limit cast('no number' as integer)" in data["sql"][failed["id"]]
    names = names_of(data)
    edges = {(names[one], names[two]) for one, two in data["edges"]}
    assert ("model.shop.stg_customers", "model.shop.dim_customers") in edges
    assert all(node["started"] <= node["finished"] for node in data["nodes"])


def test_hostile_names_stay_data(page: Page) -> None:
    """Whatever a name or a message says, the page has its own script, its data, and nothing else."""
    name = f"model.shop.{HOSTILE}"
    page.results.finished(node(name, label="x", outcome=Outcome.FAILED, status=HOSTILE, message=HOSTILE))
    page.artifact("manifest.json", json.dumps({"parent_map": {name: [f"source.{HOSTILE}"]}}))
    page.artifact(
        "run_results.json", json.dumps({"results": [{"unique_id": name, "compiled_code": f"{HOSTILE}\ud800"}]})
    )
    written = page.written(Verdict(Outcome.WARNING, 0, reason=HOSTILE))
    data = data_of(written)
    assert data["nodes"][0]["id"] == name
    assert data["sql"] == {name: f"{HOSTILE}\ud800"}
    assert data["others"] == [f"source.{HOSTILE}"]
    assert written.count("</script>") == 2
    assert "<img" not in written
    assert "\u2028" not in written


def test_only_its_own_script_and_style_may_run(page: Page) -> None:
    """The page's security policy names its script and its style by their hashes, and lets nothing else in."""
    written = page.written()
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', written)
    allowed = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    parts = {"script-src": r"<script>(.*?)</script>", "style-src": r"<style>(.*?)</style>"}
    for directive, pattern in parts.items():
        (text,) = re.findall(pattern, written, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert allowed[directive] == f"'sha256-{digest}'"
    assert allowed["default-src"] == "'none'"


def test_nothing_of_the_page_is_elsewhere(page: Page) -> None:
    """The page names no address but that of SVG's names and that of the library, in its notice."""
    addresses = set(re.findall(r"\w+://[^\s\"'`)]+", page.written()))
    assert addresses == {"http://www.w3.org/2000/svg", "https://github.com/leeoniya/uPlot"}


def test_uplot_is_as_it_was_published(page: Page) -> None:
    """The library's files are those of version 1.6.32 on npm, and its licence goes with each page."""
    folder = files("kestra_dbt.report.page") / "assets" / "uplot"
    sums = {
        "uPlot.iife.min.js": "19c8d4c6ad88929a79f4ae49d6f7161566dfd0ba3d15cc495e974f787eb78f1f",
        "uPlot.min.css": "df630c6a8d6f8eeaff264b50f73ce5b114f646ffd9a0bb74f049b0a00135fa04",
        "LICENSE": "8f989229699b4fe2f1a0432d0e9edc338a8a911e250e2d1b01ecd770a5f5b1bd",
    }
    assert {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in sums} == sums
    assert (folder / "LICENSE").read_text() in page.written()


def test_a_large_run_makes_a_small_page(page: Page) -> None:
    """Of 2,000 nodes that all failed at length, the page stays small, and still names each."""
    names = [f"model.shop.a_name_of_usual_length_{number}" for number in range(2000)]
    for number, name in enumerate(names):
        page.results.finished(node(name, number, outcome=Outcome.FAILED, status="error", message="no " * 2000))
    page.artifact(
        "manifest.json", json.dumps({"parent_map": {name: names[max(i - 2, 0) : i] for i, name in enumerate(names)}})
    )
    sql = [{"unique_id": name, "compiled_code": "select 1\n" * 1000} for name in names]
    page.artifact("run_results.json", json.dumps({"results": sql}))
    written = page.written()
    assert len(written.encode()) < LARGEST
    data = data_of(written)
    assert [node["id"] for node in data["nodes"]] == names
    assert len(data["edges"]) == 2 * len(names) - 3
    assert len(data["sql"]) > 10


@pytest.mark.parametrize(
    "content", ["", "{", '{"parent_map": 3}', '{"parent_map": {"a": 1}, "results": 1}', "[]", '{"results": [3]}']
)
def test_artifacts_that_are_not_whole(page: Page, content: str) -> None:
    """Of a manifest or results that cannot be read, the page shows nothing; the rest is there."""
    page.results.finished(node("model.shop.one", outcome=Outcome.FAILED))
    page.artifact("manifest.json", content)
    page.artifact("run_results.json", content)
    data = data_of(page.written())
    assert (data["edges"], data["sql"], len(data["nodes"])) == ([], {}, 1)


def test_a_page_that_cannot_be_written_changes_nothing(page: Page) -> None:
    """The log says why there is none, and the run ends as it would have."""
    page.folder.path("report.html").mkdir()
    end = Verdict(Outcome.SUCCESS, 0)
    report_end(end, page.results, page.results.summary(2), page.folder, page.events.append)
    (told,) = [event for event in page.events if isinstance(event, Log)]
    assert told.message.startswith("report.html could not be written: ")
    assert page.events[-1].kind == "ended"
    assert page.events[-1].outcome is Outcome.SUCCESS


def test_a_node_without_an_end_is_shown(page: Page) -> None:
    """A node that was running when the run was cut short lasts until the last thing that is known."""
    page.results.finished(node("model.shop.one", number=3))
    page.results.started(
        NodeStarted(invocation=1, unique_id="model.shop.two", label="two", resource_type="model", at=BEGAN)
    )
    (ended, begun) = data_of(page.written())["nodes"]
    assert (ended["started"], ended["finished"]) == (3000, 4000)
    assert (begun["outcome"], begun["started"], begun["finished"]) == ("unfinished", 0, 4000)


def test_lineage_goes_through_what_did_not_run() -> None:
    """What the run reads is drawn, and what joins its nodes, as an ephemeral model; tests and what is far are not."""
    parents = {
        "model.a": ["source.s"],
        "model.e": ["model.a"],
        "model.f": ["model.e", "model.far"],
        "model.b": ["model.f", "model.near"],
        "model.near": ["model.far"],
        "test.t": ["model.b"],
        "model.after": ["model.b"],
    }
    ids = ["model.a", "model.b", "test.t"]
    lineage = lineage_of(ids, parents)
    names = [*ids, *lineage.others]
    assert {(names[one], names[two]) for one, two in lineage.edges} == {
        *[("source.s", "model.a"), ("model.a", "model.e"), ("model.e", "model.f"), ("model.f", "model.b")],
        ("model.near", "model.b"),
    }
    assert len(lineage.edges) == 5


def test_parents_are_found_beside_the_word_in_texts(tmp_path: Path) -> None:
    """A description that names the key does not mislead."""
    manifest = tmp_path / "manifest.json"
    described = {"model.a": {"description": '"parent_map": {"model.x": ["model.y"]}'}}
    manifest.write_text(
        json.dumps({"nodes": described, "parent_map": {"model.a": ["model.b"]}, "unit_tests": described})
    )
    assert parents_of([manifest]) == {"model.a": ["model.b"]}
