"""The steps of a run: which of them run dbt, and their logs, each line once."""

import re
import shlex
from collections import Counter
from dataclasses import dataclass

from kestra_dbt.platform.api.models import Run, Step
from kestra_dbt.protocol import Level
from kestra_dbt.terms.text import clean
from kestra_dbt.terms.words import command_in, selection

_INVOKE = re.compile(r"^\s*invoke dbt with\s+`?(.*?)`?\s*$", re.IGNORECASE | re.DOTALL)

_ERROR = re.compile(r"\[ERROR|\bERROR (?!=)|\bFAIL \d|^\S*\s*(\w+ Error\b|Failure in |Error in )")
_WARNING = re.compile(r"\[WARN|\bWARN (?!=)|^\S*\s*Warning in ")


_NOTHING = re.compile(r"^\d\d:\d\d:\d\d\s*$")
"""A line with which dbt makes room."""


@dataclass(frozen=True)
class DbtStep:
    """A step that runs dbt."""

    invocation: int
    """Which one it is of these, from 1."""
    step: Step
    words: tuple[str, ...]

    @property
    def command(self) -> str:
        """dbt's command with its subcommand."""
        return command_in(list(self.words))

    @property
    def selection(self) -> str | None:
        """What it selects, for people."""
        return selection(list(self.words))


def in_order(run: Run) -> list[Step]:
    """Return the steps of a run as they follow each other."""
    return sorted(run.run_steps, key=lambda step: step.index)


def dbt_steps(run: Run) -> list[DbtStep]:
    """Return the steps that run dbt."""
    found: list[DbtStep] = []
    for step in in_order(run):
        words = _words(step.name or "")
        if words is not None:
            found.append(DbtStep(len(found) + 1, step, tuple(words)))
    return found


def title(step: Step) -> str:
    """Name a step in a sentence."""
    invoked = _INVOKE.match(step.name or "")
    return f"Step {step.index} (`{invoked[1]}`)" if invoked else f"Step {step.index} ({step.name or 'without a name'})"


def _words(name: str) -> list[str] | None:
    invoked = _INVOKE.match(name)
    if not invoked:
        return None
    try:
        words = shlex.split(invoked[1])
    except ValueError:  # a quote that is not closed
        words = invoked[1].split()
    return words[1:] if words[:1] == ["dbt"] else words


def level_of(line: str) -> Level:
    """Return how bad a line of dbt's console looks."""
    if _ERROR.search(line):
        return Level.ERROR
    return Level.WARN if _WARNING.search(line) else Level.INFO


class LogLines:
    """The log of one step, which comes anew and longer each time."""

    def __init__(self) -> None:
        self._text = ""
        self._told: Counter[int] = Counter()

    def new(self, text: str, *, ended: bool) -> list[str]:
        """Return the lines that were not there before, without colours.

        The text may have been cut at either end, or rewritten: a line that was there as often is not new.

        Args:
            text: all that there is of the log.
            ended: nothing follows, so that a last line without an end is one, too.
        """
        whole = text if ended or text.endswith("\n") else text[: text.rfind("\n") + 1]
        if whole.startswith(self._text):
            lines = whole[len(self._text) :].split("\n")
            for line in lines:
                self._told[hash(line)] += 1
        else:
            lines = self._unknown(whole.split("\n"))
        self._text = whole
        return [line for line in map(_plain, lines) if line.strip()]

    def _unknown(self, lines: list[str]) -> list[str]:
        there: Counter[int] = Counter()
        new = []
        for line in lines:
            key = hash(line)
            there[key] += 1
            if there[key] > self._told[key]:
                self._told[key] = there[key]
                new.append(line)
        return new


def _plain(line: str) -> str:
    return _NOTHING.sub("", clean(line.rstrip("\r").rpartition("\r")[2])).rstrip()
