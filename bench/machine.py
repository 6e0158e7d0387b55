"""What the machine lets a bench have: its limits, and the programs that are measured."""

import importlib.metadata
import os
import platform
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
BUSY = 0.25
"""Load for each core from which on others' work disturbs the figures."""

PACKAGES = ("dbt-core", "dbt-duckdb", "dbt-postgres", "httpx", "pydantic")


def limits() -> str:
    """Return a line with the cores and the memory that this process may use."""
    return f"{cores():g} cores of {_model()}, {_memory_mb():,.0f} MB, Linux {platform.release()}"


def versions() -> str:
    """Return a line with what is installed here."""
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return f"Python {platform.python_version()}, {packages}"


def load() -> str:
    """Return a line with how busy the machine is now, and whether that is too much."""
    now = os.getloadavg()[0]
    warning = ": THE MACHINE IS BUSY, the figures are worth little" if now > BUSY * cores() else ""
    return f"{now:.2f}{warning}"


def cores() -> float:
    """Return how many cores may be used: those of the affinity, or the share that the control group has."""
    allowed = float(len(os.sched_getaffinity(0)))
    quota, _, period = _read(CGROUP / "cpu.max").partition(" ")
    return min(allowed, int(quota) / int(period)) if quota.isdigit() else allowed


def _memory_mb() -> float:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = _read(CGROUP / "memory.max")
    return min(total, int(limit) if limit.isdigit() else total) / 1e6


def _model() -> str:
    lines = _read(Path("/proc/cpuinfo")).splitlines()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())


def _read(file: Path) -> str:
    try:
        return file.read_text().strip()
    except OSError:
        return ""
