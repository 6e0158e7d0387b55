"""The flows that the documentation shows: each is run as it is, where what it needs is at hand."""

import re
import shutil
import textwrap
from pathlib import Path

import pytest
from client import VERSIONS, Engine
from conftest import PROJECTS
from fake_platform.client import FakePlatform

ROOT = Path(__file__).parents[1]
SOURCES = ROOT / "plugin" / "src" / "main" / "java" / "io" / "kestradbt"
PAGES = [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "plugin/src/main/resources/doc").glob("*.md")]
BLOCK = re.compile(r"```yaml\n(?P<code>.*?)```", re.DOTALL)
EXAMPLE = re.compile(r'@Example\(.*?title = "(?P<title>[^"]+)".*?code = """\n(?P<code>.*?)"""', re.DOTALL)

NEEDS = {
    "runner.docker.Docker": "a container engine",
    "type: postgres": "a PostgreSQL server",
    "production_manifest": "the manifest of an earlier run",
    "run_results\n    type: FILE": "the results of an earlier run",
    "id: failed_run": "a run whose retry succeeds (test_platform.py retries one that fails again)",
    "io.kestradbt.platform.JobRunFinished": "runs that finish (test_platform.py has them)",
    "io.kestradbt.platform.Webhook": "a request to Kestra's server (test_platform.py has what stands for it)",
}
"""What an example may need that this test does not have: it is validated alone."""

ON_PLATFORM = ("io.kestradbt.platform.", "io.kestra.plugin.dbt.cloud.")


def examples() -> dict[str, str]:
    """Return every flow, by its task and title, or by its page and number."""
    found = {}
    for source in sorted(SOURCES.rglob("*.java")):
        for example in EXAMPLE.finditer(source.read_text()):
            code = textwrap.dedent(example["code"]).replace('\\"', '"').replace("\\\\", "\\")
            found[f"{source.stem}: {example['title']}"] = code
    for page in PAGES:
        for number, block in enumerate(BLOCK.finditer(page.read_text()), 1):
            found[f"{page.name}: {number}"] = block["code"]
    return found


EXAMPLES = examples()


def test_every_task_has_examples() -> None:
    """No task goes without an example that shows how it is used."""
    tasks = [p.stem for p in SOURCES.rglob("*.java") if "@Plugin(" in p.read_text()]
    assert {title.partition(":")[0] for title in EXAMPLES} >= set(tasks)


@pytest.mark.parametrize("title", EXAMPLES)
def test_an_example(engine: Engine, kestra: str, tmp_path: Path, title: str, request: pytest.FixtureRequest) -> None:
    """Both versions of Kestra take the example as it is; on one of them, by turns, it is run, and ends well."""
    code = EXAMPLES[title]
    assert engine.validate(code) is None
    turn = VERSIONS[list(EXAMPLES).index(title) % len(VERSIONS)]
    if kestra != turn or any(need in code for need in NEEDS):
        return
    files = tmp_path / "files"
    shutil.copytree(PROJECTS / "shop", files / "shop", ignore=shutil.ignore_patterns("target", "logs", "*.duckdb"))
    inputs: dict[str, int] = {}
    if any(name in code for name in ON_PLATFORM):
        code, inputs = on_platform(code, request.getfixturevalue("platform"))
    result = engine.run(code, tmp_path / "out", files=files, inputs=inputs, timeout=180)
    assert result.ok, result.log_text


def on_platform(code: str, platform: FakePlatform) -> tuple[str, dict[str, int]]:
    """Return an example with the address and the job of the fake platform, and the run that it asks for."""
    job_id = platform.add_job(["dbt build"], name="Nightly build")
    inputs: dict[str, int] = {}
    if "platform.Artifacts" in code or "id: latest" in code:
        run_id = platform.trigger(job_id)
        platform.wait(run_id)
        inputs = {"run_of_yesterday": run_id} if "id: run_of_yesterday" in code else {}
    for shown, there in {"host: ab123.us1.dbt.com": f"host: {platform.url}", '"67890"': f'"{job_id}"'}.items():
        code = code.replace(shown, there)
    return code, inputs
