"""Schemas that could not be created: taken for there if they are, and otherwise told as what went wrong first."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest
from dbt.adapters.factory import FACTORY

from kestra_dbt.core.adapters import accept_schemas_of_others

RELATION = SimpleNamespace(database="db", schema="reports")


class Warehouse:
    """An adapter that is refused the schema, and answers the question for it with ``there``, or not at all."""

    def __init__(self, there: bool | None) -> None:
        self._there = there

    def create_schema(self, relation: object) -> None:
        """Refuse."""
        raise PermissionError(f"permission denied for {relation}")

    def check_schema_exists(self, database: str, schema: str) -> bool:
        """Answer, if it can."""
        if self._there is None:
            raise ConnectionError(f"nobody tells about {database}.{schema}")
        return self._there


@pytest.fixture
def registered(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Warehouse]]:
    """Yield dbt's adapters, of which there are none but those of the test."""
    adapters: dict[str, Warehouse] = {}
    monkeypatch.setattr(FACTORY, "adapters", adapters)
    yield adapters


def test_one_that_is_there_is_no_failure(registered: dict[str, Warehouse]) -> None:
    """However often dbt has told something meanwhile."""
    warehouse = registered["x"] = Warehouse(there=True)
    for _ in range(3):
        accept_schemas_of_others("something")
    warehouse.create_schema(RELATION)


@pytest.mark.parametrize("there", [False, None])
def test_what_went_wrong_first_is_told(registered: dict[str, Warehouse], there: bool | None) -> None:
    """Also where the warehouse does not even say whether the schema is there."""
    warehouse = registered["x"] = Warehouse(there=there)
    accept_schemas_of_others("something")
    with pytest.raises(PermissionError, match="permission denied"):
        warehouse.create_schema(RELATION)
