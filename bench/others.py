"""The same project by Cosmos in Airflow and by prefect-dbt's runner in Prefect, both as installed from PyPI.

Their servers run only while their way is measured, each time started anew, so that no other way shares the cores with
them. Starting them does not count. Nothing is sent to their makers.
"""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from environments import environment, version
from postgres import Postgres, free_port
from servers import answers, server, wait_until

ELSEWHERE = Path(__file__).parent / "elsewhere"
LIMIT_S = 1800

QUIET = {"DO_NOT_TRACK": "1", "SCARF_NO_ANALYTICS": "true", "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}


class Cosmos:
    """A DAG of Cosmos, run by Airflow's scheduler with its LocalExecutor; Airflow has its tables in PostgreSQL."""

    def __init__(self, project: Path, profiles: Path, postgres: Postgres, at_once: int, env: dict[str, str]) -> None:
        requirements = ("apache-airflow>=3.1", "astronomer-cosmos>=1.15", "asyncpg", "psycopg2-binary")
        self._programs, self._postgres, self._port = environment("cosmos", *requirements), postgres, free_port()
        self._home = profiles.parent / "airflow"
        self._home.mkdir()
        database = f"://dbt:x@127.0.0.1:{postgres.port}/postgres"
        self._env = {
            **env,
            **QUIET,
            "PATH": f"{self._programs}:{env['PATH']}",
            "BENCH_PROJECT": str(project),
            "BENCH_PROFILES": str(profiles),
            "AIRFLOW_HOME": str(self._home),
            "AIRFLOW__COSMOS__CACHE_DIR": str(self._home / "cosmos"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(ELSEWHERE / "dags"),
            "AIRFLOW__CORE__DAG_DISCOVERY_SAFE_MODE": "False",
            "AIRFLOW__CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__EXECUTOR": "LocalExecutor",
            "AIRFLOW__CORE__PARALLELISM": str(at_once),
            "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://127.0.0.1:{self._port}/execution/",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"postgresql+psycopg2{database}",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC": f"postgresql+asyncpg{database}",
            "AIRFLOW__API_AUTH__JWT_SECRET": "known to each of its servers, and to nobody else",
        }
        self._airflow("db", "migrate")

    def version(self) -> str:
        """Return what is measured."""
        return f"{version(self._programs, 'astronomer-cosmos')} on {version(self._programs, 'apache-airflow')}"

    def seconds(self, name: str) -> float:
        """Return the seconds of a run of the DAG, from when it was asked for to its end."""
        with self._servers():
            self._airflow("dags", "trigger", "project", "--run-id", name)
            run = f"from dag_run where run_id = '{name}'"
            ended = f"select state {run} and state in ('success', 'failed')"
            wait_until(lambda: bool(self._postgres.rows(ended)), "The end of the DAG's run", LIMIT_S)
            if self._postgres.rows(ended) != ["success"]:
                said = (self._home / "airflow-scheduler.log").read_text(errors="replace")[-3000:]
                raise SystemExit(f"The DAG's run failed:\n{said}")
            (took,) = self._postgres.rows(f"select extract(epoch from end_date - queued_at) {run}")
        return float(took)

    @contextlib.contextmanager
    def _servers(self) -> Iterator[None]:
        (began,) = self._postgres.rows("select now()")
        read = f"select 1 from dag where last_parsed_time > '{began}' and not has_import_errors"
        alive = f"select 1 from job where job_type = 'SchedulerJob' and latest_heartbeat > '{began}'"
        api = ("api-server", "--host", "127.0.0.1", "--port", str(self._port), "--workers", "1")
        with contextlib.ExitStack() as stack:
            for arguments in (api, ("dag-processor",), ("scheduler", "--skip-serve-logs")):
                stack.enter_context(server([self._programs / "airflow", *arguments], self._env, self._home))
            wait_until(lambda: answers(f"http://127.0.0.1:{self._port}/api/v2/version"), "Airflow's API")
            wait_until(lambda: bool(self._postgres.rows(alive)), "Airflow's scheduler")
            wait_until(lambda: bool(self._postgres.rows(read)), "Airflow's DAG of the project")
            yield

    def _airflow(self, *arguments: str) -> None:
        _run([self._programs / "airflow", *arguments], self._home, self._env)


class Prefect:
    """A flow with one `dbt build` by prefect-dbt's runner, and a Prefect server that it reports to."""

    def __init__(self, project: Path, profiles: Path, env: dict[str, str]) -> None:
        self._programs, self._port = environment("prefect", "prefect>=3.6", "prefect-dbt>=0.7.25"), free_port()
        self._home = profiles.parent / "prefect"
        self._home.mkdir()
        self._env = {
            **env,
            **QUIET,
            "DBT_PROJECT_DIR": str(project),
            "DBT_PROFILES_DIR": str(profiles.parent),
            "PREFECT_HOME": str(self._home),
            "PREFECT_API_URL": f"http://127.0.0.1:{self._port}/api",
        }

    def version(self) -> str:
        """Return what is measured."""
        return f"{version(self._programs, 'prefect-dbt')} on {version(self._programs, 'prefect')}"

    def seconds(self) -> float:
        """Return the seconds of the process that runs the flow."""
        place = ("--host", "127.0.0.1", "--port", str(self._port))
        start: list[str | Path] = [self._programs / "prefect", "server", "start", *place]
        with server(start, self._env, self._home):
            wait_until(lambda: answers(f"http://127.0.0.1:{self._port}/api/health"), "Prefect's server")
            began = time.perf_counter()
            _run([self._programs / "python", ELSEWHERE / "build.py"], self._home, self._env)
            return time.perf_counter() - began


def _run(command: list[str | Path], folder: Path, env: dict[str, str]) -> None:
    with (folder / "commands.log").open("ab") as log:
        done = subprocess.run(
            command, cwd=folder, env=env, stdout=log, stderr=log, check=False, stdin=subprocess.DEVNULL, timeout=LIMIT_S
        )
    if done.returncode:
        said = (folder / "commands.log").read_text(errors="replace")[-3000:]
        raise SystemExit(f"{command[0]} {command[1]} ended with {done.returncode}:\n{said}")
