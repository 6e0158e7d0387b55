"""A fake platform for tests: starts one as a process of its own, steers it and looks into it.

    with FakePlatform.start(tmp_path) as platform:
        job_id = platform.add_job(["dbt build"])
        platform.fault(method="POST", path="/run/$", when="after", reset=True)
        ...
        (run,) = platform.runs(job_id)

It behaves as the API does in all that a client of the API can see; what this class does goes through /_fake/.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from fake_platform.routing import HELPER

HERE = Path(__file__).resolve().parents[1]
STOP_LIMIT_S = 30.0
WAIT_LIMIT_S = 120.0
LOOK_EVERY_S = 0.05

Json = dict[str, Any]


class FakePlatform:
    """A fake that runs. `start` makes one; leaving its `with` block stops it. Safe for use by many threads."""

    def __init__(self, options: list[str], token: str) -> None:
        self._options = options
        self.token = token
        self.url = ""
        self.account_id = self.job_id = self.project_id = self.environment_id = 0
        self._launch("0")

    @classmethod
    def start(
        cls,
        folder: Path,
        *,
        recordings: Path | None = None,
        mode: str = "recorded",
        large_ids: bool = False,
        token: str | None = None,
    ) -> FakePlatform:
        """Start a fake on a free port of the loopback.

        Args:
            folder: for its state, its runs and their logs; kept when it is stopped.
            recordings: shared with others, so that dbt need not run again for what they have recorded.
            mode: how jobs run of which nothing else is said: `recorded` or `dbt`.
            large_ids: whether ids are as wide as those of cell accounts.
            token: what opens it; a new one, if none is given.
        """
        options = ["--folder", str(folder), "--recordings", str(recordings or folder / "recordings"), "--mode", mode]
        return cls([*options, *(["--large-ids"] if large_ids else [])], token or f"dbtc_{secrets.token_hex(16)}")

    def _launch(self, port: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "fake_platform", "--attached", "--port", port, *self._options],
            env={**os.environ, "PYTHONPATH": str(HERE), "DBT_PLATFORM_TOKEN": self.token},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            encoding="utf-8",
        )
        assert self._process.stdout  # as made above
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError("The fake platform has not started; what it printed to stderr says why.")
        told = json.loads(line)
        self.url = told["url"]
        self.account_id, self.job_id = told["account_id"], told["job_id"]
        self.project_id, self.environment_id = told["project_id"], told["environment_id"]
        self._v3 = f"{self.url}/api/v3/accounts/{self.account_id}"
        self._api = self.api(**{"User-Agent": HELPER})
        self._control = httpx.Client(base_url=f"{self.url}/_fake", timeout=60, trust_env=False)

    def stop(self) -> None:
        """Stop it, and the dbt processes that it has started."""
        self._control.close()
        self._api.close()
        assert self._process.stdin and self._process.stdout  # as made above
        self._process.stdin.close()
        try:
            self._process.wait(STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()

    def restart(self) -> None:
        """Stop it and start it again with the same address, token and state."""
        port = self.url.rpartition(":")[2]
        self.stop()
        self._launch(port)

    def __enter__(self) -> FakePlatform:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def api(self, **headers: str) -> httpx.Client:
        """Return a plain client of the API, with the token; paths start behind the account (`/jobs/`)."""
        return httpx.Client(
            base_url=f"{self.url}/api/v2/accounts/{self.account_id}",
            headers={"Authorization": f"Token {self.token}", **headers},
            timeout=60,
            trust_env=False,
        )

    def add_project(self, folder: Path, name: str = "") -> int:
        """Add a dbt project of this machine, and return its id. Its runs clone the folder as it is then."""
        added: Json = self._ask("POST", "/projects", {"name": name or folder.name, "folder": str(folder)})
        return int(added["project_id"])

    def add_job(self, steps: list[str], *, project_id: int | None = None, name: str = "build", **fields: Any) -> int:  # noqa: ANN401 - of the API
        """Create a job and return its id; `fields` are those of the API (`generate_docs`, `settings`, ...)."""
        project = project_id or self.project_id
        environments = self._api.get(f"{self._v3}/projects/{project}/environments/")
        (environment,) = environments.raise_for_status().json()["data"]
        ids = {"project_id": project, "environment_id": environment["id"]}
        created = self._api.post("/jobs/", json={**ids, "name": name, "execute_steps": steps, **fields})
        return int(created.raise_for_status().json()["data"]["id"])

    def trigger(self, job_id: int | None = None, cause: str = "Somebody else", **overrides: Any) -> int:  # noqa: ANN401 - of the API
        """Start a run as somebody else would, and return its id."""
        answer = self._api.post(f"/jobs/{job_id or self.job_id}/run/", json={"cause": cause, **overrides})
        return int(answer.raise_for_status().json()["data"]["id"])

    def behave(self, job_id: int | None = None, **behaviour: Any) -> None:  # noqa: ANN401 - see Behaviour
        """Say how new runs of a job, or of all, are carried out: the fields of `records.Behaviour`."""
        self._ask("POST", f"/jobs/{job_id}/behaviour" if job_id else "/behaviour", behaviour)

    def script(self, job_id: int, *statuses: tuple[int, float]) -> None:
        """Let new runs of a job have these statuses, each for so many seconds, and run nothing."""
        script = [{"status": status, "seconds": seconds} for status, seconds in statuses]
        self.behave(job_id, mode="scripted", script=script)

    def settings(self, **changes: Any) -> Json:  # noqa: ANN401 - see Settings
        """Change switches, the fields of `records.Settings`, and return all of them."""
        settings: Json = self._ask("POST", "/settings", changes)
        return settings

    def revoke_token(self) -> None:
        """Let the token open nothing any more."""
        self.settings(token_valid=False)

    def fault(self, **fault: Any) -> int:  # noqa: ANN401 - see Fault
        """Let something go wrong: the fields of `faults.Fault`. Returns the fault's id."""
        return int(self._ask("POST", "/faults", fault)["id"])

    def faults(self) -> list[Json]:
        """All faults that are set, with how often each was `met`."""
        faults: list[Json] = self._ask("GET", "/faults")
        return faults

    def clear_faults(self) -> None:
        """Take all faults back."""
        self._ask("DELETE", "/faults")

    def runs(self, job_id: int | None = None) -> list[Json]:
        """All runs that were ever started, of a job or of all: `id`, `cause`, `status`, `request`, ..."""
        runs: list[Json] = self._ask("GET", "/runs" + (f"?job_id={job_id}" if job_id else ""))
        return runs

    def active(self) -> list[Json]:
        """The runs that have not ended."""
        return [run for run in self.runs() if not run["ended"]]

    def subscribe(self, url: str, *events: str, job_ids: Sequence[int] = ()) -> tuple[str, str]:
        """Subscribe to events (`job.run.completed`, ...) of some jobs or of all; returns the id and the secret."""
        body = {"name": "listener", "client_url": url, "event_types": events, "active": True, "job_ids": list(job_ids)}
        created = self._api.post(f"{self._v3}/webhooks/subscriptions", json=body)
        subscription = created.raise_for_status().json()["data"]
        return subscription["id"], subscription["hmac_secret"]

    def deliveries(self) -> list[Json]:
        """All events that were sent to webhooks, each with its `body` and its `attempts`."""
        deliveries: list[Json] = self._ask("GET", "/deliveries")
        return deliveries

    def cancel(self, run_id: int) -> None:
        """Cancel a run as somebody else would."""
        self._ask("POST", f"/runs/{run_id}/cancel")

    def delete(self, run_id: int) -> None:
        """Delete a run as somebody else would."""
        self._ask("POST", f"/runs/{run_id}/delete")

    def requests(self, method: str | None = None, path: str = "") -> list[Json]:
        """All requests that came in, but those of this class: with this method, and with this text in their path."""
        received: list[Json] = self._ask("GET", "/requests")
        return [one for one in received if method in (None, one["method"]) and path in one["path"]]

    def forget_requests(self) -> None:
        """Forget the requests so far."""
        self._ask("DELETE", "/requests")

    def wait(self, run_id: int, *statuses: int, limit_s: float = WAIT_LIMIT_S) -> Json:
        """Wait until a run has one of these statuses, or has ended with its artifacts, and return it.

        Raises:
            TimeoutError: it has not, in `limit_s` seconds.
        """
        until = time.monotonic() + limit_s
        while time.monotonic() < until:
            (run,) = [run for run in self.runs() if run["id"] == run_id]
            if run["status"] in statuses or (not statuses and run["ended"] and run["artifacts_saved"]):
                return run
            time.sleep(LOOK_EVERY_S)
        raise TimeoutError(f"Run {run_id} is in status {run['status']} after {limit_s} s.")

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:  # noqa: ANN401 - it is JSON
        answer = self._control.request(method, path, json=body)
        if answer.is_error:
            raise ValueError(f"{method} /_fake{path}: {answer.text}")
        return answer.json()
