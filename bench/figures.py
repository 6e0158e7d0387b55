"""What a bench has to tell: values of several rounds, as lines of one table."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One thing that was measured, once a round."""

    question: str
    what: str
    values: list[float]
    unit: str


def show(figures: Iterable[Figure]) -> None:
    """Print each figure's median, and from where to where its values went."""
    asked = ""
    for figure in figures:
        if figure.question != asked:
            asked = figure.question
            print(f"\n{asked}\n{'':40}{'median':>10}   from - to")
        low, middle, high = min(figure.values), statistics.median(figure.values), max(figure.values)
        digits = 3 if figure.unit == "x" else 1
        spread = f"{low:.{digits}f} - {high:.{digits}f}"
        print(f"{figure.what:40}{middle:>10.{digits}f} {figure.unit:2} {spread:>18}   rounds: {len(figure.values)}")
