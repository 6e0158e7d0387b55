"""What a bench has to tell: values of several rounds, as lines of one table."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

HEADING = ("question", "measured", "median (from - to)", "to its references, by round", "rounds")


@dataclass(frozen=True)
class Figure:
    """One thing that was measured, once a round."""

    question: str
    what: str
    values: Sequence[float]
    unit: str = "s"
    against: tuple[str, ...] = ()
    """Its references: other figures of the same question, measured in the same rounds."""


def table(figures: Sequence[Figure]) -> str:
    """Return a Markdown table with a line for each figure."""
    lines, asked = [_line(HEADING), _line(["---"] * len(HEADING))], ""
    for figure in figures:
        question = figure.question if figure.question != asked else ""
        asked = figure.question
        digits = 1 if figure.unit else 2
        seen = _seen(figure.values)
        value = f"{_spread(seen, digits)} {figure.unit if seen else ''}".strip()
        to = "; ".join(f"**{_spread(ratios, 2)}** of {name}" for name, ratios in ratios_of(figure, figures))
        lines.append(_line([question, figure.what, value, to, str(len(seen))]))
    return "\n".join(lines)


def ratios_of(figure: Figure, figures: Sequence[Figure]) -> Iterator[tuple[str, list[float]]]:
    """Yield each reference of a figure with the ratios to it, of each round; none to what came to nothing or less.

    A difference can be that, such as of memory: what is measured is lost in what varies anyway.
    """
    for name in figure.against:
        reference = next(other for other in figures if (other.question, other.what) == (figure.question, name))
        if all(value > 0 for value in reference.values):
            yield name, [value / other for value, other in zip(figure.values, reference.values, strict=True)]


def as_json(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """Return them with their ratios, for programs."""
    return [{**asdict(figure), "ratios": dict(ratios_of(figure, figures))} for figure in figures]


def _seen(values: Sequence[float]) -> list[float]:
    """Return those of rounds in which there was something to see."""
    return [value for value in values if not math.isnan(value)]


def _spread(values: Sequence[float], digits: int) -> str:
    seen = _seen(values)
    if not seen:
        return "not seen"
    low, middle, high = min(seen), statistics.median(seen), max(seen)
    if low == high:
        return _text(middle, digits)
    return f"{_text(middle, digits)} ({_text(low, digits)} - {_text(high, digits)})"


def _text(value: float, digits: int) -> str:
    """Return a number with so many digits after the point, or as many as it takes to say two that are no zeros."""
    enough = 1 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:,.{max(digits, enough)}f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
