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
    if identifier is None or not relations:
        return relations
    quotes = _QUOTES + relations[0].quote_character
    name = identifier.lower().strip(quotes)
    return [relation for relation in relations if str(relation.path.identifier).lower().strip(quotes) == name]


_QUOTES = "\"'`[]"


def list_tables_by_key() -> None:
    """List the tables of a schema, for which dbt's cache has a key each, without working out each of these again."""
    from dbt.adapters.cache import RelationsCache  # noqa: PLC0415 - dbt is imported where it runs alone
    from dbt.adapters.reference_keys import lowercase  # noqa: PLC0415

    @functools.wraps(RelationsCache.get_relations)
    def get_relations(cache: RelationsCache, database: str | None, schema: str | None) -> list[Any]:
        database, schema = lowercase(database), lowercase(schema)
        with cache.lock:
            return [
                cached.inner
                for (in_database, in_schema, _), cached in cache.relations.items()
                if in_schema == schema and in_database == database
            ]

    RelationsCache.get_relations = get_relations  # type: ignore[method-assign, assignment]


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
