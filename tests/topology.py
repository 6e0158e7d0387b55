"""The Topology of an execution as Kestra's own pages draw it: the component of the UI, in a real browser."""

import base64
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import browser
from client import Result

HERE = Path(__file__).parent / "topology"
ROOT = Path(__file__).parents[1]
LIMIT_S = 600

NODE = re.compile(r'data-id="([^"]+)" class="vue-flow__node vue-flow__node-(\w+)')
EDGE = re.compile(r'data-id="([^"|]+)\|([^"|]+)"')
STATE = re.compile(r'class="status-div bg-(\w+)"')


@dataclass(frozen=True)
class Drawn:
    """What is to be seen."""

    nodes: dict[str, str | None]
    """Colours of the tasks by their ids, by what Bootstrap calls them; None: no state is shown."""
    edges: set[tuple[str, str]]
    """Lines between elements: the last parts of their ids."""


class Page:
    """The component, built into a page."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @classmethod
    def build(cls, folder: Path) -> "Page":
        """Build it in an empty folder; what it is made of is downloaded.

        Raises:
            browser.NoBrowserError: there is no browser, or no npm.
        """
        browser.find()
        npm = shutil.which("npm")
        if npm is None:
            raise browser.NoBrowserError("npm is not installed: install Node.js 20 or later.")
        sources = folder / "topology"
        shutil.copytree(HERE, sources, ignore=shutil.ignore_patterns("node_modules", "dist"))
        for command in ([npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"], [npm, "run", "build"]):
            done = subprocess.run(command, cwd=sources, capture_output=True, text=True, timeout=LIMIT_S, check=False)
            if done.returncode:
                raise RuntimeError(f"{' '.join(command)} has failed: {done.stderr[-2000:]}")
        return cls(sources / "dist")

    def draw(self, source: str, result: Result, file: Path, width: int, height: int) -> Drawn:
        """Draw the execution of a flow, take a picture of it, and return what is to be seen."""
        with tempfile.TemporaryDirectory() as folder:
            page = Path(shutil.copytree(self._folder, Path(folder) / "page"))
            graph = json.loads((result.out / "graph.json").read_text())
            shown = {"source": source, "graph": graph, "execution": result.execution, "icons": icons()}
            (page / "data.json").write_text(json.dumps(shown))
            with browser.served(page) as address:
                html = browser.elements(address)
                browser.picture(address, file, width, height)
        return Drawn(dict(_tasks(html)), {(_last(found[1]), _last(found[2])) for found in EDGE.finditer(html)})


def _tasks(html: str) -> Iterator[tuple[str, str | None]]:
    """Yield the tasks that are drawn, each with its colour."""
    found = list(NODE.finditer(html))
    for node, after in zip(found, [*found[1:], None], strict=True):
        state = STATE.search(html, node.end(), after.start() if after else len(html))
        if node[2] == "task":
            yield _last(node[1]), state[1] if state else None


def icons() -> dict[str, dict[str, str]]:
    """Return the icons of the plugin's tasks, as Kestra's pages get them."""
    found = {}
    for source in (ROOT / "plugin/src/main/java/io/kestradbt").rglob("*.java"):
        icon = ROOT / f"plugin/src/main/resources/icons/io.kestradbt.{source.parent.name}.svg"
        if "@Plugin(" in source.read_text() and icon.exists():
            name = f"io.kestradbt.{source.parent.name}.{source.stem}"
            found[name] = {"icon": base64.b64encode(icon.read_bytes()).decode()}
    return found


def _last(uid: str) -> str:
    return uid.rpartition(".")[2]
