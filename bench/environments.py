"""Virtual environments with what others make, from PyPI, kept in a cache folder."""

import importlib.metadata
import subprocess
import sys
from pathlib import Path

CACHE = Path.home() / ".cache" / "kestra-dbt" / "bench"
LIMIT_S = 900


def environment(name: str, *requirements: str) -> Path:
    """Return the folder of an environment's programs; it has the dbt of this one."""
    folder, uv = CACHE / name, Path(sys.executable).with_name("uv")
    python = folder / "bin" / "python"
    if not python.exists():
        _run(uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder)
    dbt = [f"{package}=={importlib.metadata.version(package)}" for package in ("dbt-core", "dbt-postgres")]
    _run(uv, "pip", "install", "--quiet", "--python", python, *requirements, *dbt)
    return python.parent


def version(programs: Path, package: str) -> str:
    """Return a package's name with its version in an environment."""
    ask = f"import importlib.metadata; print(importlib.metadata.version({package!r}))"
    done = subprocess.run([programs / "python", "-c", ask], check=True, capture_output=True, text=True, timeout=LIMIT_S)
    return f"{package} {done.stdout.strip()}"


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, timeout=LIMIT_S)
