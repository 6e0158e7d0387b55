"""A project's macros, which dbt compiles when one is first called: a process that has them, and its forks, need not."""

import contextlib
from collections.abc import Iterator

from dbt.contracts.graph.manifest import Manifest
from dbt_common.clients.jinja import template_cache


def compile_macros(manifest: Manifest) -> Iterator[None]:
    """Have dbt compile them, one at a step."""
    for macro in manifest.macros.values():
        with contextlib.suppress(Exception):  # who calls it hears of it
            template_cache.get_node_template(macro)
        yield
