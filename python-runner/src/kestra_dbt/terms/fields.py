"""Objects of JSON, read as the messages and results that dbt's own callbacks get."""

from typing import Any


class Fields(dict[str, Any]):
    """An object of JSON with the attributes of a message; a field that is not there is None."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 - JSON
        return self.get(name)
