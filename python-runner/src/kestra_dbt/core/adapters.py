"""What is done to dbt's adapters: what they leave open is closed, and what another dbt did meanwhile is no error."""

from typing import Any

from dbt.adapters.factory import FACTORY


def accept_schemas_of_others(message: object) -> None:  # noqa: ARG001 - a callback of dbt's events
    """Have adapters take a schema that another dbt has created meanwhile for one that was there, once they exist.

    dbt lists what schemas there are and creates those it misses. PostgreSQL refuses one of two that do so at once, also
    with `if not exists`; others have errors of their own for it.
    """
    for adapter in FACTORY.adapters.values():
        if "create_schema" not in vars(adapter):
            _accept(adapter)


def _accept(adapter: Any) -> None:  # noqa: ANN401 - of any warehouse
    create = adapter.create_schema

    def create_schema(relation: Any) -> None:  # noqa: ANN401 - of any warehouse
        try:
            create(relation)
        except Exception:
            if not _is_there(adapter, relation):
                raise

    adapter.create_schema = create_schema


def _is_there(adapter: Any, relation: Any) -> bool:  # noqa: ANN401 - of any warehouse
    """Tell whether a schema could not be created because it is there; False if that can't be found out either."""
    try:
        return bool(adapter.check_schema_exists(relation.database, relation.schema))
    except Exception:  # noqa: BLE001 - what went wrong first says more
        return False


def close_what_is_kept() -> None:
    """Close what an adapter keeps open for as long as its process lives: DuckDB's file, which is locked meanwhile."""
    for adapter in FACTORY.adapters.values():
        close = getattr(adapter.connections, "close_all_connections", None)
        if close is not None:
            close()
