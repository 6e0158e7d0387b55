"""What the end-to-end tests share: one real Kestra engine of each version, and a way to run a flow on it."""

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from client import VERSIONS, Engine, Result
from postgres import NoPostgresError, Postgres

TESTS = Path(__file__).parent
PROJECTS = TESTS / "projects"
BLUEPRINTS = TESTS.parent / "blueprints"

RunFlow = Callable[..., Result]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let people try one version of Kestra."""
    parser.addoption("--kestra", choices=VERSIONS, help="run on this version of Kestra alone")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run each test that uses an engine on each version."""
    if "kestra" in metafunc.fixturenames:
        only = metafunc.config.getoption("--kestra")
        metafunc.parametrize("kestra", [only] if only else VERSIONS, scope="session")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of each engine in one process (`-n 2 --dist loadgroup`), so that each engine is started once."""
    for item in items:
        parameters = getattr(item, "callspec", None)
        if parameters is not None and "kestra" in parameters.params:
            item.add_marker(pytest.mark.xdist_group(parameters.params["kestra"]))


@pytest.fixture(scope="session")
def engine(kestra: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """An engine whose workers find this environment's Python, which has dbt, as python3."""
    env = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
        "TMPDIR": str(tmp_path_factory.mktemp("runner")),
    }
    with Engine.start(kestra, secrets={"WAREHOUSE_PASSWORD": "hunter2-planted"}, env=env) as engine:
        yield engine


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server."""
    try:
        server = Postgres.start()
    except NoPostgresError as reason:
        pytest.skip(str(reason))
    with server:
        yield server


@pytest.fixture
def run_flow(engine: Engine, tmp_path: Path) -> RunFlow:
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
