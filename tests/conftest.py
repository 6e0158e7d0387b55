"""What the end-to-end tests share: one real Kestra of each version, and a way to run a flow on it.

A Kestra is the embedded engine, as `2.0.0`; for cases marked `container` also kestra/kestra, as `2.0.0-container`, if
there is a container engine.
"""

import os
import shutil
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import container
import pytest
from client import VERSIONS, Engine, Result
from fake_platform.client import FakePlatform
from postgres import NoPostgresError, Postgres
from rest import Server

pytest_plugins = ["fake_platform.fixture"]

TESTS = Path(__file__).parent
PROJECTS = TESTS / "projects"
BLUEPRINTS = TESTS.parent / "blueprints"

RunFlow = Callable[..., Result]
Kestra = Engine | Server

SECRETS = {
    "WAREHOUSE_PASSWORD": "hunter2-planted",
    "DBT_TOKEN": "dbtc_hunter2_planted",
    "KESTRA_TOKEN": "hunter2-token",
}

KESTRA_URL = "https://kestra.example.com"
"""What the engines take for the address of their pages; nobody answers there."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let people try one version of Kestra."""
    parser.addoption("--kestra", choices=VERSIONS, help="run on this version of Kestra alone")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that uses a Kestra on each version or, by turns, on one; some in containers, too, or there only."""
    if "kestra" not in metafunc.fixturenames:
        return
    only = metafunc.config.getoption("--kestra")
    versions = [only] if only else list(VERSIONS)
    if metafunc.definition.get_closest_marker("by_turns") and not only:
        versions = [VERSIONS[zlib.crc32(metafunc.definition.nodeid.encode()) % len(VERSIONS)]]
    marker = metafunc.definition.get_closest_marker("container")
    why_not = container.no_container_engine() if marker else None
    kestras: list[Any] = [] if marker and marker.kwargs.get("only") else list(versions)
    if marker and not why_not:
        kestras += [f"{version}-container" for version in versions]
    skipped = pytest.param("container", marks=pytest.mark.skip(reason=str(why_not)))
    metafunc.parametrize("kestra", kestras or [skipped], scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of each engine in one process (`-n 2 --dist loadgroup`), so that each engine is started once."""
    for item in items:
        parameters = getattr(item, "callspec", None)
        if parameters is not None and "kestra" in parameters.params:
            item.add_marker(pytest.mark.xdist_group(parameters.params["kestra"]))


WARM = VERSIONS[-1]
"""The Kestra all of whose tasks run as with the task runner Warm: the same cases over both ways."""


def environment(version: str, temporary: Path) -> dict[str, str]:
    """Return the environment of an engine whose workers find this Python, which has dbt, as python3."""
    warm = {"KESTRA_DBT_WARM": str(os.getpid())}
    return {
        **(warm if version == WARM else {}),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "KESTRA_URL": KESTRA_URL,
        "TMPDIR": str(temporary),
    }


@pytest.fixture(scope="session")
def engine(kestra: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kestra]:
    """A Kestra whose workers find a Python that has dbt as python3: this environment's, or the image's."""
    version, _, in_container = kestra.partition("-")
    if in_container:
        with container.started(version, SECRETS) as server:
            yield server
        return
    with Engine.start(version, secrets=SECRETS, env=environment(version, tmp_path_factory.mktemp("runner"))) as engine:
        yield engine


@pytest.fixture
def platform(tmp_path: Path, platform_recordings: Path) -> Iterator[FakePlatform]:
    """Return a fake dbt platform of the test's own, whose token is the secret DBT_TOKEN of the engines."""
    with FakePlatform.start(tmp_path / "platform", recordings=platform_recordings, token=SECRETS["DBT_TOKEN"]) as fake:
        yield fake


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server: one of this machine, else one in a container."""
    try:
        server = Postgres.start()
    except NoPostgresError as reason:
        if why_not := container.no_container_engine():
            pytest.skip(f"{reason} {why_not}")
        server = container.Postgres.start()
    with server:
        yield server


@pytest.fixture
def run_flow(engine: Kestra, tmp_path: Path) -> RunFlow:
    """Return a function that runs a flow, given as text or file, with a test project as the namespace's files."""

    def run_flow(
        flow: str | Path,
        project: str | None = "shop",
        timeout: float = 180,
        **options: Any,  # noqa: ANN401
    ) -> Result:
        files = None
        if project:
            files = tmp_path / "files"
            ignored = shutil.ignore_patterns("target", "logs", "*.duckdb")
            shutil.copytree(PROJECTS / project, files, ignore=ignored, dirs_exist_ok=True)
        return engine.run(flow, tmp_path / "out", files=files, timeout=timeout, **options)

    return run_flow
