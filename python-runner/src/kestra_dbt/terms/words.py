"""What the words of a dbt command line say."""

_COMMANDS = frozenset(
    {
        *("build", "clean", "clone", "compile", "debug", "deps", "docs", "init", "list", "ls", "parse", "retry", "run"),
        *("run-operation", "seed", "show", "snapshot", "source", "test"),
    }
)
_WITH_SUBCOMMAND = frozenset({"docs", "source"})

SELECTING = frozenset({"--select", "-s", "--models", "--model", "-m", "--exclude", "--selector", "--resource-type"})
"""Flags that say which nodes a command is about."""


def command_in(words: list[str]) -> str:
    """Return dbt's command with its subcommand; ``dbt`` if there is none, as in ``dbt --version``."""
    found = [index for index, word in enumerate(words) if word in _COMMANDS]
    if not found:
        return "dbt"
    # after an option it may be its value, as in `--target test run`
    index = next((i for i in found if i == 0 or not words[i - 1].startswith("-")), found[0])
    count = 2 if words[index] in _WITH_SUBCOMMAND else 1
    return " ".join(words[index : index + count])


def selection(words: list[str]) -> str | None:
    """Return the part of dbt's arguments that selects nodes, for people; None where all are meant."""
    return " ".join(kept(words, SELECTING))[:500] or None


def kept(words: list[str], flags: frozenset[str]) -> list[str]:
    """Return those of dbt's arguments that are among ``flags``, with their values."""
    found: list[str] = []
    keeping = False
    for word in words:
        if word.startswith("-"):
            keeping = word.partition("=")[0] in flags
        if keeping:
            found.append(word)
    return found
