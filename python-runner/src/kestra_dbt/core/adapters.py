"""What dbt's adapters leave open between two invocations in one process."""

from dbt.adapters.factory import FACTORY


def close_what_is_kept() -> None:
    """Close what an adapter keeps open for as long as its process lives: DuckDB's file, which is locked meanwhile."""
    for adapter in FACTORY.adapters.values():
        close = getattr(adapter.connections, "close_all_connections", None)
        if close is not None:
            close()
