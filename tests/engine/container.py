"""What the tests run in containers, if there is an engine for them: kestra/kestra with the plugin's jar, PostgreSQL."""

from __future__ import annotations

import base64
import gc
import json
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from pathlib import Path

import docker
import httpx
import postgres
from client import HERE, ROOT, EngineError, NotBuiltError
from rest import Server
from testcontainers.core.container import DockerContainer
from testcontainers.core.image import DockerImage

PORT = 8080
START_LIMIT_S = 180.0
USER, PASSWORD = "tests@kestra.io", "Only4Tests"


@cache
def no_container_engine() -> str | None:
    """Why nothing can run in a container here; None if it can."""
    why_not = None
    with warnings.catch_warnings():
        # A client that finds nobody to connect to leaves its socket to the garbage collector.
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            with closing(docker.from_env()) as client:
                client.ping()
        except docker.errors.DockerException as error:
            why_not = f"There is no container engine: {error}"
        gc.collect()
    return why_not


@contextmanager
def started(version: str, secrets: Mapping[str, str]) -> Iterator[Server]:
    """Build the image, start a server of this version of Kestra, and stop it in the end.

    Args:
        version: of Kestra, as `client.VERSIONS`.
        secrets: what `{{ secret('KEY') }}` gives, by KEY.

    Raises:
        NotBuiltError: with the command to run.
        EngineError: the server has not started within three minutes.
    """
    with ExitStack() as stack:
        context = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="kestra-image-")))
        shutil.copy(HERE / "container" / "Dockerfile", context)
        shutil.copy(_jar(), context / "kestra-dbt.jar")
        image = stack.enter_context(
            DockerImage(context, tag=f"kestra-dbt-tests:{version}", clean_up=False, buildargs={"KESTRA": version})
        )
        container = DockerContainer(str(image)).with_exposed_ports(PORT).with_command("server local")
        container.with_env("KESTRA_CONFIGURATION", json.dumps(_configuration()))  # JSON is YAML
        for key, value in secrets.items():
            container.with_env(f"SECRET_{key.upper()}", base64.b64encode(value.encode()).decode())
        stack.enter_context(container)
        address = f"http://{container.get_container_host_ip()}:{container.get_exposed_port(PORT)}"
        http = stack.enter_context(httpx.Client(base_url=address, auth=(USER, PASSWORD), timeout=60))
        _await_start(http, container)
        yield Server(http)


def _configuration() -> dict[str, object]:
    return {"kestra": {"server": {"basic-auth": {"username": USER, "password": PASSWORD}}}}


def _jar() -> Path:
    jars = list((ROOT / "plugin" / "build" / "libs").glob("kestra-dbt-*.jar"))
    if not jars:
        raise NotBuiltError("Build the plugin first: scripts/gradle :plugin:shadowJar")
    return jars[0]


def _await_start(http: httpx.Client, container: DockerContainer) -> None:
    deadline = time.monotonic() + START_LIMIT_S
    while True:
        try:
            if http.get("/api/v1/main/flows/search", params={"size": 1}).is_success:
                return
        except httpx.TransportError:
            pass  # nobody listens yet
        if time.monotonic() > deadline:
            said = b"".join(container.get_logs()).decode(errors="replace")
            raise EngineError(f"The server has not started: {said[-2000:]}")
        time.sleep(1)


class Postgres(postgres.Postgres):
    """PostgreSQL in a container."""

    PORT = 5432

    def __init__(self, server: DockerContainer) -> None:
        self._server = server
        self.port = int(server.get_exposed_port(self.PORT))

    @classmethod
    def start(cls) -> Postgres:
        """Start a server that trusts everybody, and wait until it takes connections from outside.

        Raises:
            NoPostgresError: it has not started in time.
        """
        server = DockerContainer("postgres:15").with_exposed_ports(cls.PORT)
        for name, value in (("USER", postgres.USER), ("DB", "postgres"), ("HOST_AUTH_METHOD", "trust")):
            server.with_env(f"POSTGRES_{name}", value)
        server.start()
        deadline = time.monotonic() + postgres.START_LIMIT_S
        # Over TCP: the image first starts a server for its own set-up, without.
        while server.exec(["pg_isready", "-q", "-h", "127.0.0.1"]).exit_code:
            if time.monotonic() > deadline:
                server.stop()
                raise postgres.NoPostgresError("PostgreSQL does not start in its container.")
            time.sleep(0.5)
        return cls(server)

    def rows(self, query: str) -> list[str]:
        """As of the local server."""
        done = self._server.exec(["psql", "-h", "127.0.0.1", "-U", postgres.USER, "-XAtc", query, "postgres"])
        if done.exit_code:
            raise RuntimeError(done.output.decode(errors="replace"))
        return str(done.output.decode()).splitlines()

    def stop(self) -> None:
        """End the server, and delete the database."""
        self._server.stop()
