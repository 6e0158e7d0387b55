"""When a warm process ends by itself.

The environment variable ``KESTRA_DBT_WARM_LIMITS`` has a JSON object of these fields; what it leaves out is as below.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

_MB = 1 << 20


@dataclass(frozen=True)
class Limits:
    """What ends a warm process, once it is between two requests. Its forks end when they are, too."""

    idle_s: float = 600.0
    """Seconds without a request."""
    age_s: float = 6 * 3600.0
    """Seconds since it began."""
    runs: int = 1000
    """Requests."""
    memory_mb: int = 4096
    """Megabytes that it takes itself; a fork that takes more is not kept for a next request."""

    @classmethod
    def from_text(cls, text: str) -> Limits:
        """Read the value of the variable; what is wrong with it is an error of the program that has set it."""
        return cls(**json.loads(text)) if text else cls()

    def is_too_large(self) -> bool:
        """Tell whether this process takes more memory than it may."""
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") > self.memory_mb * _MB
