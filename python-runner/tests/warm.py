"""Processes that have imported dbt when they begin: most tests run dbt for less time than its import takes.

They are forked from one that has imported it and done nothing else; from there on each is the runner's program as ever.
"""

import multiprocessing
import os
import sys
from pathlib import Path

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(["dbt.cli.main", "dbt.adapters.duckdb", "pydantic"])

LIMIT_S = 120


def run_program(arguments: list[str], folder: Path, env: dict[str, str], stdout: Path, stderr: Path) -> int:
    """Run ``kestra-dbt`` with ``arguments`` in ``folder``, its output into files, and return its exit code."""
    process = _FORKED.Process(target=_program, args=(arguments, folder, env, stdout, stderr))
    process.start()
    process.join(LIMIT_S)
    if process.exitcode is None:
        process.kill()
        process.join()
        raise TimeoutError(f"{arguments} took more than {LIMIT_S} s")
    return process.exitcode


def _program(arguments: list[str], folder: Path, env: dict[str, str], stdout: Path, stderr: Path) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    for file, number in ((stdout, 1), (stderr, 2)):
        with file.open("wb") as opened:
            os.dup2(opened.fileno(), number)
    sys.argv = ["kestra-dbt", *arguments]
    from kestra_dbt.bootstrap import main  # noqa: PLC0415 - in its new environment, as in a new process

    main()
