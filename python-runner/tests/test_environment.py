"""Where dbt comes from: this interpreter, a virtual environment made from requirements, or the `dbt` on PATH."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import Run, Runner, duckdb_profile

from kestra_dbt.environment import EnvironmentFailedError, ensure_environment
from kestra_dbt.protocol import DbtCommand, FailureCode, Outcome, Secrets, SetUp

Project = Callable[[str], Path]
REQUIREMENTS = ["dbt-core>=1.10,<1.12", "dbt-duckdb>=1.10,<1.12"]
SECRETS = Secrets(profiles=duckdb_profile())
PARSE = DbtCommand(command=["parse"])


def path_with(*folders: str) -> str:
    """Return a PATH of a system and these folders, without this test's own dbt."""
    return os.pathsep.join([*folders, "/usr/bin", "/bin"])


def folder_with_uv(folder: Path) -> str:
    """Return a folder that holds uv and nothing else."""
    folder.mkdir()
    (folder / "uv").symlink_to(Path(sys.executable).parent / "uv")
    return str(folder)


def test_requirements_are_installed_once_and_kept(
    carry_out: Runner, project: Project, bare_python: str, tmp_path: Path
) -> None:
    """The first run makes the environment and says so in one line; the next one goes on in it without a word."""
    env = {"KESTRA_DBT_CACHE": str(tmp_path / "cache"), "PATH": path_with(folder_with_uv(tmp_path / "uv"))}
    request = DbtCommand(command=["parse"], dependencies=REQUIREMENTS)
    folder = project("broken/warning")

    def go() -> Run:
        return carry_out(request, SECRETS, folder=folder, python=bare_python, env=env)

    first, second = go(), go()
    assert (first.code, second.code) == (0, 0), first
    assert [line for line in first.plain if "virtual environment" in line] == first.plain
    assert len(first.plain) == 1
    assert "(uv)" in first.plain[0]
    assert second.plain == []


def test_two_that_start_together_make_one(tmp_path: Path) -> None:
    """Processes that want the same environment at the same time share one, made by one of them; pip will do."""
    code = (
        "import sys; from kestra_dbt.environment import ensure_environment; print(ensure_environment(['six==1.17.0']))"
    )
    env = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parents[1] / "src"),
        "KESTRA_DBT_CACHE": str(tmp_path),
        "PATH": path_with(),
    }
    command = [sys.executable, "-c", code]
    both = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    outputs = [process.communicate(timeout=120)[0].splitlines() for process in both]
    assert sorted(len(output) for output in outputs) == [1, 2], outputs
    assert outputs[0][-1] == outputs[1][-1]
    subprocess.run([outputs[0][-1], "-c", "import six, pydantic"], check=True)


def test_a_half_made_environment_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a killed run left is not taken for an environment."""
    monkeypatch.setenv("KESTRA_DBT_CACHE", str(tmp_path))
    python = Path(ensure_environment(["six"]))
    (python.parents[1] / ".kestra-dbt-ready").unlink()
    python.unlink()
    assert Path(ensure_environment(["six"])) == python
    assert python.exists()


def test_a_requirement_that_does_not_exist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The sentence names it, and no half-made environment stays."""
    monkeypatch.setenv("KESTRA_DBT_CACHE", str(tmp_path))
    with pytest.raises(
        EnvironmentFailedError, match=r"^`dependencies` could not be installed: .*kestra-dbt-nonsense"
    ) as caught:
        ensure_environment(["kestra-dbt-nonsense==99", "six"])
    assert caught.value.detail
    assert not [path for path in (tmp_path / "environments").iterdir() if path.is_dir()]


def test_a_requirement_that_can_not_be_installed_fails_the_run(
    carry_out: Runner, bare_python: str, tmp_path: Path
) -> None:
    """The run says so as any other failure."""
    request = DbtCommand(command=["parse"], dependencies=["kestra-dbt-nonsense==99"])
    run = carry_out(request, python=bare_python, env={"KESTRA_DBT_CACHE": str(tmp_path / "cache")})
    assert (run.code, run.failure.code) == (2, FailureCode.ENVIRONMENT)
    assert "kestra-dbt-nonsense" in run.failure.sentence


def test_no_dbt_at_all(carry_out: Runner, bare_python: str) -> None:
    """The sentence names the interpreter and the ways out."""
    run = carry_out(PARSE, python=bare_python, env={"PATH": path_with()})
    assert (run.code, run.failure.code) == (2, FailureCode.ENVIRONMENT)
    assert run.failure.sentence.startswith("dbt is not installed for the interpreter ")
    assert "`dependencies`" in run.failure.sentence


def test_the_dbt_on_path_leads_to_its_interpreter(
    carry_out: Runner, project: Project, bare_python: str, tmp_path: Path
) -> None:
    """A dbt that another virtual environment or pipx put on PATH is found through its first line."""
    (tmp_path / "bin").mkdir()
    dbt = tmp_path / "bin" / "dbt"
    dbt.write_text(f"#!{sys.executable}\n")
    dbt.chmod(0o755)
    env = {"PATH": path_with(str(dbt.parent))}
    run = carry_out(PARSE, SECRETS, folder=project("broken/warning"), python=bare_python, env=env)
    assert run.code == 0, run


def test_an_environment_in_the_working_directory(carry_out: Runner, project: Project) -> None:
    """What tasks after it find: the commands in `bin`, where a file of the user's own stays, and private profiles."""
    folder = project("broken/warning")
    (folder / "bin").mkdir()
    (folder / "bin" / "pip").write_text("of the user's own")
    secrets = Secrets(profiles="shop: {target: dev}")
    run = carry_out(SetUp(requirements=["toolz==1.0.0"]), secrets, folder=folder)
    assert (run.code, run.ended.outcome) == (0, Outcome.SUCCESS), run
    command = [folder / "bin" / "python", "-c", "import toolz; print(toolz.__version__)"]
    assert subprocess.run(command, capture_output=True, check=True).stdout == b"1.0.0\n"
    assert (folder / "bin" / "pip").read_text() == "of the user's own"
    profiles = folder / ".profile" / "profiles.yml"
    assert (profiles.read_text(), profiles.stat().st_mode & 0o777) == (secrets.profiles, 0o600)
    assert run.plain[0].startswith("Made a virtual environment with toolz==1.0.0 in ")

    wrong = carry_out(SetUp(requirements=["no-such-package-at-all==9"]), folder=folder)
    assert wrong.failure.code is FailureCode.REQUEST
    assert wrong.failure.sentence.startswith("`requirements` could not be installed: ")
