"""What dbt looks for with each node that it runs."""

import functools
from typing import Any


def match_what_has_the_name() -> None:
    """Compare a table that is looked for with those of about its name: dbt does so with all in its schema.

    It looks for three tables with each model that it builds, so that takes thousands of them minutes.
    """
    from dbt.adapters.base.impl import BaseAdapter  # noqa: PLC0415 - dbt is imported where it runs alone
    from dbt.adapters.base.relation import BaseRelation  # noqa: PLC0415

    match = BaseAdapter._make_match

    @functools.wraps(match)
    def make_match(
        adapter: BaseAdapter, relations_list: list[BaseRelation], database: str, schema: str, identifier: str
    ) -> list[BaseRelation]:
        return match(adapter, about(relations_list, identifier), database, schema, identifier)

    BaseAdapter._make_match = make_match  # type: ignore[method-assign, assignment]


def about(relations: list[Any], identifier: str | None) -> list[Any]:
    """Return those that have a name but for case and quotes: dbt takes one of these, or warns of it."""
    if identifier is None:
        return relations
    name = identifier.lower()
    return [relation for relation in relations if _is_about(relation, name)]


def _is_about(relation: Any, name: str) -> bool:  # noqa: ANN401 - of any adapter
    own = str(relation.path.identifier).lower()
    return own == name or own.strip(relation.quote_character) == name.strip(relation.quote_character)


def find_macros_at_once() -> None:
    """Look for a macro in what it may be in without a generator of that: each node looks for each of them."""
    from dbt.context.macros import MacroNamespace  # noqa: PLC0415 - dbt is imported where it runs alone
    from dbt.include.global_project import PROJECT_NAME  # noqa: PLC0415

    @functools.wraps(MacroNamespace.__getitem__)
    def getitem(namespace: MacroNamespace, key: str) -> Any:  # noqa: ANN401 - as it is
        for found in (namespace.local_namespace, namespace.global_namespace, namespace.packages):
            if key in found:
                return found[key]
        own = namespace.global_project_namespace
        return own if key == PROJECT_NAME else own[key]

    MacroNamespace.__getitem__ = getitem  # type: ignore[method-assign]
