"""The dbt platform needs no dbt here."""

from pathlib import Path

from fake_platform.client import FakePlatform
from on_platform import Ask
from test_environment import folder_with_uv, path_with


def test_a_bare_interpreter(platform: FakePlatform, ask: Ask, bare_python: str, tmp_path: Path) -> None:
    """What is needed is installed once, and kept; dbt is not among it."""
    env = {"KESTRA_DBT_CACHE": str(tmp_path / "cache"), "PATH": path_with(folder_with_uv(tmp_path / "uv"))}
    first, second = (ask("jobs", python=bare_python, env=env, host=platform.url) for _ in range(2))
    assert (first.code, second.code) == (0, 0), first
    (said,) = first.plain
    assert "virtual environment with httpx" in said
    assert second.plain == []
    assert second.artifact("jobs.ion").read_text().count("\n") == 1
    assert not list((tmp_path / "cache").rglob("site-packages/dbt"))
