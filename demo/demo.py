"""Runs the blueprint on the sample project in a real Kestra engine, and shows the run as it goes."""

import shutil
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "engine"))

from client import Engine, LogEntry, Result  # noqa: E402 - found by the line above
from gantt import gantt  # noqa: E402

BLUEPRINT = ROOT / "blueprints" / "dbt-core-build.yaml"
PROJECT = ROOT / "tests" / "projects" / "shop"
OUT = ROOT / "demo-outputs"
KESTRA = "2.0.0"
TASK = "build"


def main() -> int:
    """Run the demo; 0 if the flow ended well."""
    say(f"Starting a Kestra {KESTRA} engine with the plugin (no server, no container) ...")
    shutil.rmtree(OUT, ignore_errors=True)
    began = time.monotonic()
    with Engine.start(KESTRA) as engine:
        say(f"It is up after {time.monotonic() - began:.0f} s. Running {BLUEPRINT.relative_to(ROOT)} on the project in "
            f"{PROJECT.relative_to(ROOT)}:\n")  # fmt: skip
        result = engine.run(BLUEPRINT, OUT, files=PROJECT, on_log=show)
    say("\nGantt, as Kestra draws it (tests under what they test):\n")
    say(gantt(result.task_runs, width=shutil.get_terminal_size((120, 24)).columns))
    say("")
    tell_what_is_there(result)
    return 0 if result.ok else 1


def show(entry: LogEntry) -> None:
    """Show the task's own log lines as they come; those of a node are in the node's own log."""
    if entry.get("taskId") == TASK and entry.get("level") in ("INFO", "WARN", "ERROR"):
        for line in str(entry.get("message") or "").splitlines():
            say(f"  {line}")


def tell_what_is_there(result: Result) -> None:
    """Say what to look at next."""
    say(f"The execution ended in {result.state} after {result.seconds:.1f} s. In demo-outputs/ you find:\n")
    files = {path.name: path for name, path in result.files.items()}
    for name, what in LOOK_AT.items():
        if name in files:
            say(f"  {files[name].relative_to(ROOT)}\n      {what}")
    say(f"  {(OUT / 'execution.json').relative_to(ROOT)}")
    say("      the execution as Kestra keeps it, with a task run for each node")
    say("\nNext: change a model in tests/projects/shop so that a test fails, and run `make demo` again;")
    say("or put the jar from plugin/build/libs into your Kestra's plugins folder and import the blueprint.")


LOOK_AT = {
    "summary.md": "how it went, on a page",
    "report.html": "the whole run as one page: open it in a browser",
    "nodes.ion": "one row a node: Kestra shows it as a table",
    "run_results.json": "dbt's own results, unchanged; manifest.json lies beside it",
    "docs.html": "the project's documentation, one page: open it in a browser",
    "target.zip": "compiled SQL, and the SQL that ran",
    "dbt.log": "dbt's whole log",
}


def say(text: str) -> None:
    """Print at once."""
    print(text, flush=True)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
