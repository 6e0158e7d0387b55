"""kestra/kestra in a container, as users have it. What else runs there is marked `container`, wherever it is."""

import pytest
from rest import Server


@pytest.mark.container(only=True)
def test_a_server_loads_the_plugin(engine: Server) -> None:
    """The jar is enough: the server knows our tasks. Skipped without a container engine, and with it the rest."""
    listed = engine.http.get("/api/v1/plugins").raise_for_status().text
    assert "io.kestradbt.core.Build" in listed
