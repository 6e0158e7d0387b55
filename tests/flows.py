"""Flows for the tests, written as users write them."""

import textwrap

PROFILES = """\
shop:
  target: dev
  outputs:
    dev:
      type: duckdb
      path: dev.duckdb
      threads: 4
"""


def build(properties: str = "", profiles: str = PROFILES, task_id: str = "build") -> str:
    """Return a flow with one Build of the namespace's files."""
    return flow("io.kestradbt.core.Build", properties, profiles, task_id)


def cli(commands: str, properties: str = "", profiles: str = PROFILES) -> str:
    """Return a flow with one DbtCLI; ``commands`` is the YAML list."""
    listed = "commands:\n" + textwrap.indent(textwrap.dedent(commands).strip(), "  ")
    return flow("io.kestradbt.core.DbtCLI", f"{listed}\n{textwrap.dedent(properties)}", profiles, "cli")


def flow(task_type: str, properties: str, profiles: str, task_id: str) -> str:
    """Return a flow with one task."""
    head = f"id: {task_id}-test\nnamespace: company.tests\ntasks:\n"
    task = f"id: {task_id}\ntype: {task_type}\nnamespaceFiles:\n  enabled: true\nprofiles: |\n"
    body = task + textwrap.indent(profiles, "  ") + textwrap.dedent(properties).strip() + "\n"
    return head + "  - " + textwrap.indent(body, "    ").lstrip()
