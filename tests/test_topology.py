"""What people see of a dbt project in Kestra's Topology.

The picture of the README: PICTURES=docs/pictures, as the folder where it is put.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import browser
import pytest
import yaml
from client import Engine
from conftest import PROJECTS
from topology import Page

FAILS = "int_order_totals"
LEFT_OUT = ("fct_orders", "sales_by_country", "sales_by_day")


@pytest.fixture(scope="session")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    """The component, built once."""
    try:
        return Page.build(tmp_path_factory.mktemp("topology"))
    except browser.NoBrowserError as reason:
        pytest.skip(str(reason))


@pytest.mark.by_turns
def test_every_node_is_a_task(engine: Engine, page: Page, tmp_path: Path) -> None:
    """Every node is there, every ref a line; what failed, what ended well and what did not run look different."""
    files = tmp_path / "files"
    shutil.copytree(PROJECTS / "shop", files, ignore=shutil.ignore_patterns("target", "logs", "*.duckdb"))
    model = next(files.rglob(f"{FAILS}.sql"))
    model.write_text(model.read_text() + "\nhaving cast('no number' as integer) = 1\n")
    output = {"type": "duckdb", "path": str(tmp_path / "shop.duckdb"), "threads": 2}
    profiles = {"shop": {"target": "dev", "outputs": {"dev": output}}}
    flow = written(files, profiles, tmp_path)
    result = engine.run(flow, tmp_path / "out", files=files, timeout=240)
    assert result.state == "FAILED", result.log_text

    picture = Path(os.environ.get("PICTURES", tmp_path)) / "topology.png"
    drawn = page.draw(flow, result, picture, 1500, 420)
    (graph,) = [task for task in yaml.safe_load(flow)["tasks"] if task["id"] == "dbt"]
    above = {entry["task"]["id"]: entry.get("dependsOn", []) for entry in graph["tasks"]}
    ended = dict.fromkeys(set(above) - {FAILS, *LEFT_OUT}, "success")
    assert drawn.nodes == {
        **ended,
        FAILS: "danger",
        **dict.fromkeys(LEFT_OUT),
        "prepare": "success",
        "dbt": "danger",
        "collect": "warning",
    }
    assert {(one, name) for name, ones in above.items() for one in ones} <= drawn.edges
    assert picture.read_bytes().startswith(b"\x89PNG")


def written(project: Path, profiles: dict[str, object], folder: Path) -> str:
    """Return the flow that `kestra-dbt flow` writes of a part of a project."""
    (folder / "profiles.yml").write_text(json.dumps(profiles))
    settings = folder / "settings.yml"
    connected = {"profiles": profiles}
    settings.write_text(json.dumps({"prepare": {"namespaceFiles": {"enabled": True}, **connected}, "node": connected}))
    file = folder / "flow.yaml"
    options = ["--select", "+fct_orders+", "--indirect-selection", "cautious", "--concurrent", "1"]
    places = ["--project-dir", project, "--profiles-dir", folder, "--settings", settings, "-o", file]
    subprocess.run([sys.executable, "-m", "kestra_dbt", "flow", *options, *places], check=True, timeout=120)
    return file.read_text()
