"""dbt's errors, said in one sentence that names what was wrong, where, and what to do."""

import re
import sys

from kestra_dbt.protocol import Failure, FailureCode
from kestra_dbt.terms.text import clean


def of_exception(error: BaseException) -> Failure:
    """Return the failure that dbt's (or click's) ``error`` means."""
    text = clean(str(error)) or type(error).__name__
    if isinstance(error, KeyboardInterrupt):
        return Failure(code=FailureCode.KILLED, sentence="dbt was told to stop before it was done.")
    return _of(text, _kind(error), sys.executable)


def of_text(text: str, command: str) -> Failure:
    """Return the failure that dbt, run as ``command``, tells in ``text``."""
    text = text.removeprefix("Encountered an error:").strip("\n")
    refused = re.match(r"(?s)\s*Usage:.*?^Error: (.*)", text, re.MULTILINE)
    if refused:
        return _of(refused[1].strip(), "usage", command)
    heading = re.match(r"\s*\w+(?= Error\b)", text)
    return _of(text, _HEADINGS.get(heading[0].strip(), "") if heading else "", command)


def _of(text: str, kind: str, where: str) -> Failure:
    adapter = re.search(r"(?i)could not find adapter type (\w+)", text)
    if adapter:
        return Failure(
            code=FailureCode.ENVIRONMENT,
            sentence=f"The profile asks for the adapter `{adapter[1]}`, which is not installed for {where}: "
            f"add `dbt-{adapter[1]}` to `dependencies`, or set `pythonPath` to an interpreter that has it.",
            detail=text,
        )
    for pattern, known, sentence in _KNOWN:
        found = re.search(pattern, text)
        if found:
            return Failure(code=known, sentence=sentence.format(found[1]), detail=text)
    code, begin = _KINDS.get(kind, (FailureCode.INTERNAL, "dbt failed"))
    gist = _gist(text)
    return Failure(
        code=code, sentence=f"{begin}: {gist}", detail=None if text.rstrip(".") == gist.rstrip(".") else text
    )


def of_operation(text: str) -> Failure:
    """Return the failure of a macro that `run-operation` ran; ``text`` is what dbt says about it."""
    said = text.removeprefix("Encountered an error while running operation:").strip()
    return Failure(code=FailureCode.PROJECT, sentence=f"The macro failed: {_gist(said)}", detail=said)


_KNOWN = (
    (
        r"Could not find previous run in '(.*)' target directory",
        FailureCode.REQUEST,
        "There is no earlier run to retry: no run_results.json is in `{}`; set `state` to a folder that has one.",
    ),
    (
        r"(\S+) is not a valid dbt error name",
        FailureCode.REQUEST,
        "`warnErrorOptions` names `{}`, which is no warning of this dbt.",
    ),
    (
        r"\A\[Errno (?:28|122)\] (.+?)\.?\Z",
        FailureCode.INTERNAL,
        "dbt could not write its files ({}): make room where the working directory and the target folder are.",
    ),
    (
        r"\A\[Errno (?:1|13|20|21|30)\] (.+?)\.?\Z",
        FailureCode.INTERNAL,
        (
            "dbt could not use its files ({}): remove what is in the way, let the worker's user write there, or set "
            "`DBT_TARGET_PATH` and `DBT_LOG_PATH` in `env` to folders where it may."
        ),
    ),
    (
        r"Found a cycle: (.+)",
        FailureCode.PROJECT,
        "The project has a cycle, {}: have one of these read something else.",
    ),
)
"""Messages that need other words for those who see properties instead of a command line."""

_KINDS = {
    "macro": (FailureCode.REQUEST, "dbt cannot run the macro"),
    "usage": (FailureCode.REQUEST, "dbt does not take these arguments"),
    "profile": (FailureCode.PROJECT, "dbt cannot use the profile"),
    "project": (FailureCode.PROJECT, "dbt cannot use the project"),
    "parsing": (FailureCode.PROJECT, "The project does not parse"),
    "compilation": (FailureCode.PROJECT, "The project does not compile"),
    "selection": (FailureCode.REQUEST, "dbt cannot use the selection"),
    "database": (FailureCode.PROJECT, "The warehouse refused"),
    "runtime": (FailureCode.PROJECT, "dbt could not run"),
}

_CLASSES = {
    "UndefinedMacroError": "macro",
    "DbtUsageException": "usage",
    "DbtProfileError": "profile",
    "DbtProjectError": "project",
    "DbtSelectorsError": "selection",
    "ParsingError": "parsing",
    "YamlLoadError": "parsing",
    "CompilationError": "compilation",
    "DbtDatabaseError": "database",
    "DbtRuntimeError": "runtime",
}


_HEADINGS = {
    "Parsing": "parsing",
    "Compilation": "compilation",
    "Database": "database",
    "Runtime": "runtime",
}
"""Begins of messages, which tell as much where there is no class to look at."""


def _kind(error: BaseException) -> str:
    """Errors of dbt are named by their classes; some of them are moved between its packages from version to version."""
    return next((_CLASSES[base.__name__] for base in type(error).__mro__ if base.__name__ in _CLASSES), "")


def _gist(text: str) -> str:
    """Return what a message of several lines says, without dbt's heading ("Compilation Error") and its excerpts."""
    before_excerpt = re.split(r"^\s*-{10,}\s*$", text, maxsplit=1, flags=re.MULTILINE)[0]
    lines = [line.strip() for line in before_excerpt.splitlines() if line.strip()]
    if len(lines) > 1 and re.fullmatch(r"[A-Z][\w ]*(Error|Exception)", lines[0]):
        lines = lines[1:]
    gist = " ".join(lines)
    return f"{gist[:397]}…" if len(gist) > 400 else f"{gist.rstrip('.')}."  # noqa: PLR2004 - a sentence, not a page
