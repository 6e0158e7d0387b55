"""What dbt's commands are for, by their names."""

_EXECUTING = {
    "build": "executed",
    "run": "executed",
    "test": "executed",
    "seed": "executed",
    "snapshot": "executed",
    "retry": "retried",
    "clone": "cloned",
    "source freshness": "checked",
    "source snapshot-freshness": "checked",
}
"""Commands whose purpose is to execute nodes, each with what it did to them. `run-operation` has no nodes."""

_LOOKING = {"compile": "compiled", "show": "showed", "list": "listed", "ls": "listed"}
"""Commands that only look at nodes. `docs generate` and `parse` look at the project as a whole."""

_WITHOUT_PROJECT = frozenset({"dbt", "clean", "debug", "deps", "docs serve", "init", "system", "system update"})
"""Commands that parse nothing."""

_LISTED = {"run": ["model"], "test": ["test", "unit_test"], "seed": ["seed"], "snapshot": ["snapshot"]}
"""Resource types of commands that are about some alone."""


def listed_types(command: str) -> list[str]:
    """Return the resource types that ``command`` is about; none: all."""
    return _LISTED.get(command, [])


def parses(command: str) -> bool:
    """Tell whether ``command`` begins with parsing the project."""
    return command not in _WITHOUT_PROJECT


def runs_nodes(command: str) -> bool:
    """Tell whether it is the purpose of ``command`` to execute nodes."""
    return command in _EXECUTING


def writes_relations(command: str) -> bool:
    """Tell whether the nodes of ``command`` write to the warehouse."""
    return command in ("build", "run", "seed", "snapshot", "retry", "clone")


def verb(command: str) -> str | None:
    """Return what ``command`` does to nodes, as `executed`; None if it may well end without any."""
    return _EXECUTING.get(command) or _LOOKING.get(command)


def compiles_for_people(command: str) -> bool:
    """Tell whether what ``command`` makes of a node is for people to look at, ephemeral models included."""
    return command in ("compile", "show")


def checks_sources(command: str) -> bool:
    """Tell whether ``command`` is about the age of sources, whose results may be given another name."""
    return command.startswith("source ")


def is_list(command: str) -> bool:
    """Tell whether ``command`` lists nodes."""
    return command in ("list", "ls")
