"""The file: a template, our own style and script, and what is to be shown as a piece of data."""

import base64
import functools
import hashlib
import json
from importlib.resources import files
from string import Template

_STYLES = ("uplot/uPlot.min.css", "page.css")

_SCRIPTS = (
    *("uplot/uPlot.iife.min.js", "words.js", "data.js", "marks.js", "rows.js", "gantt.js"),
    *("layers.js", "lineage.js", "lists.js", "filter.js", "page.js"),
)
"""In the order in which they build on one another."""

_ESCAPED = str.maketrans({sign: f"\\u{ord(sign):04x}" for sign in "<>&"})
"""What could end a piece of data, or begin markup. Whatever is not ASCII is escaped already."""


def page(data: object) -> str:
    """Return the page that shows ``data``."""
    style, script = _joined(_STYLES), _joined(_SCRIPTS)
    return Template(_joined(("page.html",))).substitute(
        licence=_joined(("uplot/LICENSE",)),
        style=style,
        style_hash=_hash(style),
        script=script,
        script_hash=_hash(script),
        data=_island(data),
    )


def _island(data: object) -> str:
    return json.dumps(data, separators=(",", ":"), allow_nan=False).translate(_ESCAPED)


@functools.cache
def _joined(names: tuple[str, ...]) -> str:
    assets = files(__package__) / "assets"
    return "\n".join(assets.joinpath(*name.split("/")).read_text(encoding="utf-8") for name in names)


@functools.cache
def _hash(text: str) -> str:
    """Return the source that lets exactly this text pass the page's own security policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
