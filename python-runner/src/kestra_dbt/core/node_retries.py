"""Nodes that failed for a reason that may pass are retried within the run, with what was skipped because of them.

Each retry is a `dbt retry` of a state in which these nodes alone are undone: tests that failed, SQL that is wrong and
what comes after them stay as they are.
"""

import itertools
import json
import re
import signal
import time
from collections.abc import Callable, Collection, Iterable
from pathlib import Path

from kestra_dbt.core.followed import INTERRUPTED
from kestra_dbt.core.resumption import UNDONE, Entry, retry_of
from kestra_dbt.protocol import RetryNodes
from kestra_dbt.report.output import OutputFolder
from kestra_dbt.terms.edges import Edges, edges_of

_REASONS = {
    "connection": r"connection\b[^\n]{0,80}?\b(?:refused|reset|closed|aborted|failed|timed out|lost|broken)"
    r"|(?:could not|cannot|failed to|unable to) connect|terminating connection|closed the connection|broken pipe"
    r"|(?:could not|cannot|failed to) (?:translate|resolve) host|name or service not known|name resolution"
    r"|ssl syscall error|eof detected|network is unreachable|no route to host|remote end closed"
    r"|service unavailable|bad gateway|gateway time-?out|\b50[234]\b",
    "lock": r"deadlock|lock timeout|lock wait|could not obtain lock|could not set lock|conflicting lock"
    r"|(?:database|table) is locked|could not serialize|serializable isolation violation|transaction conflict"
    r"|write-write conflict|concurrent(?:append|deleteread|deletedelete|transaction|write|update)"
    r"|due to concurrent update|number of waiters for this lock",
    "timeout": r"time[sd]?[ -]?out|deadline exceeded|exceeded (?:the )?(?:\w+ ){0,3}time(?: limit)?\b",
    "quota": r"quota|rate ?limit|too many (?:requests|connections|clients|concurrent|queries)|\b429\b"
    r"|connection slots|resources? exceeded|insufficient resources|queue is full|throttl",
}
"""What drivers and warehouses say when a reason is one that may pass."""


_TESTS = ("test.", "unit_test.")
_NAMED_AT_MOST = 5


_PASSES = {reason: re.compile(pattern, re.IGNORECASE) for reason, pattern in _REASONS.items()}


def with_retries(
    invoke: Callable[[list[str]], int], given: list[str], rules: RetryNodes, folder: OutputFolder, work: Path
) -> int:
    """Run dbt with ``given``, and retry what failed as ``rules`` say; return the exit code of the whole.

    Args:
        invoke: runs dbt; what an invocation leaves is in ``folder`` when it returns.
        given: dbt's arguments, the command first.
        rules: which failures are retried, and how often.
        folder: of the artifacts.
        work: a folder for the run results that `dbt retry` reads.
    """
    arguments, undone = given, dict[str, Entry]()
    for number in itertools.count(1):
        code = invoke(arguments)
        written = f"{number}-{arguments[0]}"
        results = folder.path(f"{written}/run_results.json")
        if code not in (0, 1) or not results.is_file():
            return code
        last = json.loads(results.read_text(encoding="utf-8"))
        undone = still_undone({**undone, **{entry["unique_id"]: entry for entry in last["results"]}})
        chosen = worth_retrying(undone, rules.reasons, lambda: edges_of(folder.path(f"{written}/manifest.json")))  # noqa: B023
        if number > rules.attempts or not chosen:
            return int(any(map(_failed, undone.values())))
        if not _wait(rules.backoff_s * 2 ** (number - 1), _announcement(number, rules, chosen)):
            return INTERRUPTED
        arguments = retry_of(given, last, chosen, work / str(number))
    raise AssertionError  # the loop has no end of its own


def still_undone(results: dict[str, Entry]) -> dict[str, Entry]:
    """Return the results of nodes that failed or were skipped."""
    return {name: entry for name, entry in results.items() if entry["status"] in UNDONE}


def worth_retrying(undone: dict[str, Entry], reasons: Collection[str], graph: Callable[[], Edges]) -> list[Entry]:
    """Return those of ``undone`` to retry: what failed for one of ``reasons``, and what nothing else holds back."""
    failed = {name: entry for name, entry in undone.items() if _failed(entry)}
    passing = {name for name, entry in failed.items() if reason_of(entry, reasons)}
    final = failed.keys() - passing
    if not passing:
        return []
    held = _below(final, graph()) if final else set()
    return [entry for name, entry in undone.items() if name in passing or (name not in failed and name not in held)]


def reason_of(entry: Entry, reasons: Iterable[str]) -> str | None:
    """Return the reason that the message of a failed node names, if it is among ``reasons``.

    A test that found rows has none, whatever it says.
    """
    if entry["status"] not in ("error", "runtime error"):
        return None
    message = str(entry.get("message") or "")
    return next((reason for reason in reasons if _PASSES[reason].search(message)), None)


def merge_results(files: list[Path], merged: Path) -> None:
    """Write one run_results.json of those of a command and its retries, with the last result of each node."""
    parts = [json.loads(file.read_text(encoding="utf-8")) for file in files]
    results = {entry["unique_id"]: entry for part in parts for entry in part["results"]}
    elapsed = sum(part.get("elapsed_time") or 0 for part in parts)
    whole = {**parts[-1], "args": parts[0]["args"], "elapsed_time": elapsed, "results": list(results.values())}
    merged.write_text(json.dumps(whole), encoding="utf-8")


def _failed(entry: Entry) -> bool:
    return bool(entry["status"] != "skipped")


def _below(names: Iterable[str], graph: Edges) -> set[str]:
    """Return what dbt does not run because ``names`` failed: what reads them, or reads what a failed test tests."""
    found: set[str] = set()
    left = [above for name in names for above in (graph.parents.get(name, []) if name.startswith(_TESTS) else [name])]
    while left:
        new = set(graph.children.get(left.pop(), [])) - found
        found |= new
        left += new
    return found


def _announcement(number: int, rules: RetryNodes, chosen: list[Entry]) -> str:
    failed = [entry for entry in chosen if _failed(entry)]
    reasons = sorted({str(reason_of(entry, rules.reasons)) for entry in failed})
    names = ", ".join(entry["unique_id"] for entry in failed[:_NAMED_AT_MOST])
    more = f" and {len(failed) - _NAMED_AT_MOST} more" if len(failed) > _NAMED_AT_MOST else ""
    seconds = rules.backoff_s * 2 ** (number - 1)
    return (
        f"Retrying in {seconds:g} s ({number} of {rules.attempts}), for a reason that may pass "
        f"({', '.join(reasons)}): {names}{more}, with {len(chosen) - len(failed)} skipped."
    )


def _wait(seconds: float, announcement: str) -> bool:
    """Wait; False if a stop came."""
    print(announcement, flush=True)  # noqa: T201 - a line of the task's log
    previous = signal.signal(signal.SIGINT, signal.default_int_handler)  # dbt's part of the process left it ignored
    try:
        time.sleep(seconds)
    except KeyboardInterrupt:
        return False
    finally:
        signal.signal(signal.SIGINT, previous)
    return True
