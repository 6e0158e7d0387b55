"""What people see of a run in its page, report.html, in a real browser.

The picture of the README: PICTURES=docs/pictures, as the folder where it is put.
"""

import base64
import hashlib
import html
import json
import os
import re
import shutil
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import browser
import flows
import pytest
from client import Engine
from conftest import PROJECTS
from kestra_dbt.protocol import NodeFinished, Outcome
from kestra_dbt.report.output import OutputFolder
from kestra_dbt.report.page.writing import write_page
from kestra_dbt.report.results import Results
from kestra_dbt.report.verdict import Verdict

FAILS = "dim_customers"
LEFT_OUT = "sales_by_country"
MANY = 2_000
THREADS = 8
BEGAN = datetime(2026, 11, 28, 9, tzinfo=timezone.utc)

FAILED, SUCCESS = [0xD5, 0x5E, 0x00], [0x00, 0x9E, 0x73]

HELPERS = """
const wait = () => new Promise((resolve) => setTimeout(resolve, 100));
const one = (selector) => document.querySelector(selector);
const text = (selector) => one(selector)?.textContent;
const press = async (words) => {
  [...document.querySelectorAll("button")].find((button) => button.textContent.includes(words)).click();
  await wait();
};
const painted = (colour) => {
  const canvas = one("#gantt canvas");
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  let count = 0;
  for (let at = 0; at < data.length; at += 4) if (colour.every((part, index) => data[at + index] === part)) count++;
  return count;
};
const gantt = () => ({ ...one("#gantt .scroll").dataset });
"""

Look = Callable[..., dict[str, Any]]


@pytest.fixture(scope="session", autouse=True)
def _chromium() -> None:
    try:
        browser.find()
    except browser.NoBrowserError as reason:
        pytest.skip(str(reason))


@pytest.fixture
def look(tmp_path: Path) -> Look:
    """Return a function that opens a page, does something there, and returns what that has seen."""

    def look(page: str, steps: str, after: str = "", asked: list[str] | None = None) -> dict[str, Any]:
        script = f"(async () => {{ {HELPERS} await wait(); {steps} }})().then((seen) => {{\n"
        script += (
            'const told = document.createElement("pre"); told.id = "seen"; told.textContent = JSON.stringify(seen);'
        )
        script += "document.body.append(told); });"
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        allowed = page.replace("script-src ", f"script-src 'sha256-{digest}' ", 1)
        folder = tmp_path / "page"
        folder.mkdir(exist_ok=True)
        (folder / "report.html").write_text(allowed.replace("</body>", f"<script>{script}</script></body>"))
        with browser.served(folder, asked) as address:
            shown = browser.elements(f"{address}report.html{after}")
        (seen,) = re.findall(r'<pre id="seen">(.*?)</pre>', shown)
        found: dict[str, Any] = json.loads(html.unescape(seen))
        return found

    return look


def page_of(folder: Path, nodes: list[NodeFinished], parents: dict[str, list[str]]) -> str:
    """Return the page of a run of these nodes."""
    output = OutputFolder(folder, lambda _: None)
    results = Results(output.path("nodes.ion"))
    results.invocation(1).command = "build"
    for node in nodes:
        results.finished(node)
    results.close()
    output.path("manifest.json").write_text(json.dumps({"parent_map": parents}))
    output.announce("manifest.json")
    write_page(results, results.summary(60), Verdict(Outcome.FAILED, 1), output)
    return output.path("report.html").read_text()


def node(unique_id: str, label: str, number: int, outcome: Outcome, message: str = "") -> NodeFinished:
    """Return a node that ran for a second, on the next thread."""
    begin = BEGAN + timedelta(seconds=number // THREADS)
    return NodeFinished(
        invocation=1,
        unique_id=unique_id,
        label=label,
        resource_type="model",
        outcome=outcome,
        status=outcome.value,
        message=message,
        thread=f"Thread-{number % THREADS + 1} (worker)",
        queued_at=begin,
        started_at=begin,
        finished_at=begin + timedelta(seconds=1),
        execution_s=1.0,
    )


@pytest.mark.by_turns
def test_a_build_that_failed(engine: Engine, look: Look, tmp_path: Path) -> None:
    """From the outputs of a real task: what failed with its SQL, each bar of the Gantt, the states of the lineage."""
    files = tmp_path / "files"
    shutil.copytree(PROJECTS / "shop", files, ignore=shutil.ignore_patterns("target", "logs", "*.duckdb"))
    model = next(files.rglob(f"{FAILS}.sql"))
    model.write_text(f"{model.read_text()}\nlimit cast('no number' as integer)\n")
    result = engine.run(flows.build(), tmp_path / "out", files=files, timeout=180)
    assert result.state == "FAILED", result.log_text
    file = result.files["build/report.html"]
    rows = [json.loads(line) for line in result.files["build/nodes.ion"].read_text().splitlines()]
    seen = look(
        file.read_text(),
        f"""
        const nodes = [...document.querySelectorAll("svg .node")];
        return {{
          head: text("#head"), failures: text("#failures"), sql: text("pre.sql"), gantt: gantt(),
          failed: painted({FAILED}), success: painted({SUCCESS}),
          edges: document.querySelectorAll("svg path.edge").length,
          states: Object.fromEntries(nodes.map((node) => [node.dataset.label, node.classList[1]])),
        }};
        """,
    )
    assert "failed" in seen["head"]
    assert FAILS in seen["failures"]
    assert "no number" in seen["failures"]
    assert "limit cast('no number' as integer)" in seen["sql"]
    ran = [row for row in rows if row["outcome"] != "skipped"]
    assert int(seen["gantt"]["bars"]) == len(ran)
    assert seen["failed"] > 20
    assert seen["success"] > 200
    drawn = {
        row["label"]: row["outcome"] for row in rows if row["resource_type"] not in ("test", "unit_test", "operation")
    }
    assert {label: seen["states"][label] for label in drawn} == drawn
    assert (drawn[FAILS], drawn[LEFT_OUT]) == ("failed", "skipped")
    assert seen["edges"] >= len(drawn) - 5

    picture = Path(os.environ.get("PICTURES", tmp_path)) / "report.png"
    with browser.served(file.parent) as address:
        browser.picture(f"{address}{file.name}", picture, 1400, 1400)
    assert picture.read_bytes().startswith(b"\x89PNG")


def test_many_nodes_can_be_found(look: Look, tmp_path: Path) -> None:
    """Of 2,000 nodes, all are painted by thread; as rows, those in sight; one is found by its name, or by a click."""
    names = [f"model.shop.model_{number:04}" for number in range(MANY)]
    outcomes = [Outcome.FAILED if number == 1234 else Outcome.SUCCESS for number in range(MANY)]
    nodes = [node(name, name.rpartition(".")[2], i, outcomes[i]) for i, name in enumerate(names)]
    parents = {name: names[max(i - 3, 0) : i] for i, name in enumerate(names)}
    seen = look(
        page_of(tmp_path, nodes, parents),
        """
        const threads = gantt();
        const around = one("#lineage .scroll").dataset.nodes;
        const chosen = text("svg .chosen title");
        const over = one("#gantt .u-over");
        const box = over.getBoundingClientRect();
        const at = { clientX: box.left + 100, clientY: box.top + 12, bubbles: true };
        const mouse = async (...kinds) => {
          for (const kind of kinds) over.dispatchEvent(new MouseEvent(kind, at));
          await wait();
        };
        await mouse("mouseenter", "mousemove");
        const pointed = text("#gantt .told");
        await mouse("mousedown", "mouseup", "click");
        const clicked = text("svg .chosen title");
        await mouse("mousedown");
        Object.assign(at, { clientX: box.left + 200, movementX: 100 });
        await mouse("mousemove", "mouseup");
        const zoomed = gantt();
        await mouse("dblclick");
        const whole = gantt();
        await press("A row a node");
        const rows = gantt();
        one("#gantt .scroll").scrollTop = 20 * 18;
        await wait();
        const scrolled = gantt();
        const search = one("#filter input");
        search.value = "model_1999";
        search.dispatchEvent(new Event("input"));
        await wait();
        const [found, table, told] = [gantt(), text("tbody"), text("#filter")];
        return { threads, around, chosen, pointed, clicked, zoomed, whole, rows, scrolled, found, table, told };
        """,
    )
    assert seen["threads"] == {"bars": str(MANY), "rows": str(THREADS)}
    assert "model_1234" in seen["chosen"]
    assert 10 < int(seen["around"]) < 100
    (pointed,) = set(re.findall(r"model_(\d+)", seen["pointed"]))
    assert int(pointed) % THREADS == 0  # it is in the first row
    assert f"model_{pointed} " in seen["clicked"]
    assert 0 < int(seen["zoomed"]["bars"]) < MANY / 2
    assert seen["whole"] == seen["threads"]
    assert int(seen["rows"]["rows"]) == MANY
    assert 20 <= int(seen["rows"]["bars"]) <= 40
    assert 20 <= int(seen["scrolled"]["bars"]) <= 40
    assert seen["found"] == {"bars": "1", "rows": "1"}
    assert seen["table"].startswith("model_1999")
    assert "1 of 2,000 nodes" in seen["told"]


def test_the_address_says_what_is_shown_first(look: Look, tmp_path: Path) -> None:
    """Words, a state, the kind of rows and a node can be given; the node tells of its tests."""
    names = [f"model.shop.model_{number}" for number in range(100)]
    nodes = [node(name, name[11:], i, Outcome.WARNING if i % 2 else Outcome.SUCCESS) for i, name in enumerate(names)]
    outcomes = {"unique": Outcome.SUCCESS, "not_null": Outcome.FAILED}
    tests = [node(f"test.shop.{name}", name, 100, ended) for name, ended in outcomes.items()]
    nodes += [test.model_copy(update={"resource_type": "test", "parent": names[7]}) for test in tests]
    after = "#find=model_1&state=warning&rows=nodes&node=model.shop.model_7"
    steps = 'return { gantt: gantt(), chosen: text("svg .chosen"), told: text("#lineage .told") };'
    seen = look(page_of(tmp_path, nodes, {}), steps, after)
    assert seen["gantt"]["rows"] == "6"  # 1, 11, 13, 15, 17, 19
    assert "model_7" in seen["chosen"]
    assert "✕ 1/2" in seen["chosen"]
    assert "not_null" in seen["told"]


def test_hostile_names_do_nothing(look: Look, tmp_path: Path) -> None:
    """Markup in names and messages is text in each view: no element comes of it, nothing runs, nothing is asked for."""
    hostile = "</script><img src=/stolen onerror=\"document.title='owned'\"><svg onload=alert(1)>"
    unique_id = f"model.shop.{hostile}"
    nodes = [
        node(unique_id, hostile[:120], 0, Outcome.FAILED, hostile),
        node("model.shop.b", "b", 1, Outcome.WARNING, hostile),
    ]
    parents = {unique_id: [f"source.shop.{hostile}"], "model.shop.b": [unique_id]}
    asked: list[str] = []
    seen = look(
        page_of(tmp_path, nodes, parents),
        """
        one("svg .node.failed").dispatchEvent(new MouseEvent("click", { bubbles: true }));
        const search = one("#lineage input");
        search.value = "stolen";
        search.dispatchEvent(new Event("input"));
        await wait();
        return {
          title: document.title, images: document.images.length, pictures: document.querySelectorAll("svg").length,
          told: text("#lineage .told"), message: text("#failures pre"), found: text("#lineage .bar"),
        };
        """,
        asked=asked,
    )
    assert (seen["title"], seen["images"], seen["pictures"]) == ("dbt: failed", 0, 1)
    assert hostile in seen["told"]
    assert seen["message"] == hostile
    assert "img" in seen["found"]
    assert {path.partition("?")[0] for path in asked} <= {"/report.html", "/favicon.ico"}
