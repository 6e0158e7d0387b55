"""What the machine lets a bench have: its limits, and the programs that are measured."""

import importlib.metadata
import os
import platform
import time
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
BUILT = Path(__file__).resolve().parent.parent / "tests" / "engine" / "build"
BUSY = 0.1
"""Share of the cores from which on others' work disturbs the figures."""
LOOK_S = 2.0
"""Seconds for which others are looked at. The load tells of the minute before, when the caller may have had work."""

PACKAGES = ("dbt-core", "dbt-duckdb", "dbt-postgres", "httpx", "pydantic")


def limits() -> str:
    """Return a line with the cores and the memory that this process may use."""
    return f"{cores():g} cores of {_model()}, {_memory_mb():,.0f} MB, Linux {platform.release()}"


def versions(kestra: str) -> str:
    """Return a line with what is installed here, and the Java that runs this Kestra."""
    packages = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    return f"Kestra {kestra}{_java(kestra)}, Python {platform.python_version()}, {packages}"


def load() -> str:
    """Return a line with how busy others have the machine now, and whether that is too much."""
    at_work = others()
    warning = ": THE MACHINE IS BUSY, the figures are worth little" if at_work > BUSY * cores() else ""
    return f"{os.getloadavg()[0]:.2f}, others have {at_work:.2f} cores at work{warning}"


def others() -> float:
    """Return how many cores are at work, or kept from it by the machine's host, while nothing is done here."""
    before = _busy_s()
    time.sleep(LOOK_S)
    return (_busy_s() - before) / LOOK_S


def _busy_s() -> float:
    user, nice, system, _idle, _waiting, *more = (int(ticks) for ticks in _read(Path("/proc/stat")).split()[1:9])
    return (user + nice + system + sum(more)) / os.sysconf("SC_CLK_TCK")


def cores() -> float:
    """Return how many cores may be used: those of the affinity, or the share that the control group has."""
    allowed = float(len(os.sched_getaffinity(0)))
    quota, _, period = _read(CGROUP / "cpu.max").partition(" ")
    return min(allowed, int(quota) / int(period)) if quota.isdigit() else allowed


def _java(kestra: str) -> str:
    java = _read(BUILT / kestra / "engine.java")
    release = _read(Path(java).parents[1] / "release") if java else ""
    told = [line.partition("=")[2].strip('"') for line in release.splitlines() if line.startswith("JAVA_VERSION=")]
    return "".join(f" on Java {version}" for version in told)


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
