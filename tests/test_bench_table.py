"""What the bench says of its figures: ratios are of one round, and what could not be measured is said."""

import json
import math
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from figures import Figure, as_json, table

import bench

FIGURES = [
    Figure("a build", "bare", [10, 20, 40]),
    Figure("a build", "flow", [11, 26, 36], against=("bare",)),
    Figure("another", "bare", [1]),
    Figure("another", "calls", [1234], "", ("bare",)),
    Figure("another", "memory", [0.0246], "MB", ("calls",)),
]
EARLIER = Figure("a smaller build", "bare", [5])


def test_ratios_are_of_the_same_round() -> None:
    """The median of the ratios is not the ratio of the medians; each question has its own references."""
    _, _, bare, flow, other, calls, memory = table(FIGURES).splitlines()
    assert bare == "| a build | bare | 20.0 (10.0 - 40.0) s |  | 3 |"
    assert flow == "|  | flow | 26.0 (11.0 - 36.0) s | **1.10 (0.90 - 1.30)** of bare | 3 |"
    assert other == "| another | bare | 1.0 s |  | 1 |"
    assert calls == "|  | calls | 1,234.00 | **1,234.00** of bare | 1 |"
    assert memory == "|  | memory | 0.025 MB | **0.000020** of calls | 1 |"
    assert as_json(FIGURES)[1]["ratios"] == {"bare": [1.1, 1.3, 0.9]}


def test_what_came_to_nothing_is_no_reference() -> None:
    """Memory above what was there before may be below it; and a phase may be over before anybody has looked."""
    figures = [
        Figure("memory", "floor", [-4.2, 0.5], "MB"),
        Figure("memory", "plugin", [33.4, math.nan], "MB", ("floor",)),
        Figure("memory", "after it", [math.nan, math.nan], "MB", ("plugin",)),
    ]
    _, _, floor, plugin, after = table(figures).splitlines()
    assert floor == "| memory | floor | -1.9 (-4.2 - 0.50) MB |  | 2 |"
    assert plugin == "|  | plugin | 33.4 MB |  | 1 |"
    assert after == "|  | after it | not seen |  | 0 |"


def test_question_that_fails_keeps_no_other_from_being_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table has the others, and what was measured before; a line above it says what is missing and why."""

    def fail(*_: object) -> Iterator[Figure]:
        yield EARLIER
        raise SystemExit("The flow ended in FAILED:\nand its log")

    monkeypatch.setitem(bench.QUESTIONS, "overhead", fail)
    monkeypatch.setitem(bench.QUESTIONS, "warm", lambda *_: FIGURES)
    file = tmp_path / "bench.json"
    monkeypatch.setattr(sys, "argv", ["bench.py", "--only", "overhead", "--only", "warm", "--json", str(file)])
    assert bench.main() == 1
    told = json.loads(file.read_text())
    assert "overhead could not be measured: The flow ended in FAILED:" in told["about"]
    assert any(" cores of " in line for line in told["about"])
    assert [figure["what"] for figure in told["figures"]] == [EARLIER.what, *(figure.what for figure in FIGURES)]
    assert table([EARLIER, *FIGURES]) in capsys.readouterr().out


def test_who_interrupts_it_gets_what_there_is(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The table ends there, and a line above it says so."""

    def interrupt(*_: object) -> Iterator[Figure]:
        yield EARLIER
        raise KeyboardInterrupt

    monkeypatch.setitem(bench.QUESTIONS, "overhead", interrupt)
    monkeypatch.setitem(bench.QUESTIONS, "warm", lambda *_: pytest.fail("nothing more is measured"))
    monkeypatch.setattr(sys, "argv", ["bench.py", "--only", "overhead", "--only", "warm"])
    assert bench.main() == 1
    told = capsys.readouterr().out
    assert "it was interrupted" in told
    assert table([EARLIER]) in told
