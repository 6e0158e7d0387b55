"""Webhook subscriptions from the command line."""

import subprocess
import sys
from pathlib import Path

from fake_platform.client import FakePlatform
from test_platform_command_line import environment

URL = "https://kestra.test/api/v1/executions/webhook/shop/flow/key"


def test_create_list_remove(platform: FakePlatform, tmp_path: Path) -> None:
    """The secret is printed once, on its own, and only when the subscription is created."""

    def webhooks(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "kestra_dbt", "platform", "webhooks", *arguments],
            cwd=tmp_path,
            env=environment(platform),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    created = webhooks("create", "ops", URL, "--event", "job.run.errored", "--job", str(platform.job_id))
    assert created.returncode == 0, created.stderr
    (secret,) = created.stdout.split()
    assert secret not in created.stderr
    assert "never told again" in created.stderr
    listed = webhooks("list", "--debug")
    (line,) = listed.stdout.splitlines()[1:]
    webhook_id = line.split()[0]
    assert "job.run.errored" in line
    assert str(platform.job_id) in line
    assert secret not in listed.stdout + listed.stderr
    again = webhooks("create", "ops", URL)
    assert (again.returncode, webhook_id in again.stderr) == (2, True)
    removed = webhooks("remove", webhook_id)
    assert (removed.returncode, removed.stdout) == (0, f"Webhook {webhook_id} was removed.\n")
    gone = webhooks("remove", webhook_id)
    assert (gone.returncode, gone.stdout) == (0, f"Webhook {webhook_id} is gone already.\n")
    assert webhooks("create", "ops", "http://kestra.test/").returncode == 2
    assert platform.token not in created.stdout + created.stderr + listed.stderr
