"""The fixture `platform`. A conftest.py has it by `pytest_plugins = ["fake_platform.fixture"]`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from fake_platform.client import FakePlatform


@pytest.fixture(scope="session")
def platform_recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of what dbt did in this session, which all fakes of it replay."""
    base = tmp_path_factory.getbasetemp()
    # Of several pytest processes (-n), each has a folder of its own in the session's.
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "platform-recordings"


@pytest.fixture
def platform(tmp_path: Path, platform_recordings: Path) -> Iterator[FakePlatform]:
    """Return a fake dbt platform of the test's own, whose jobs replay recordings unless told otherwise."""
    with FakePlatform.start(tmp_path / "platform", recordings=platform_recordings) as fake:
        yield fake
