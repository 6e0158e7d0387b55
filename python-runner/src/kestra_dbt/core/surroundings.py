"""What a process is in: its folder, its environment and its mask for new files."""

from __future__ import annotations

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Surroundings:
    """All that a process has from who started it, but for its open files."""

    folder: str
    env: dict[str, str]
    umask: int

    @classmethod
    def of_this_process(cls) -> Surroundings:
        """Return those of this process."""
        mask = os.umask(0o077)
        os.umask(mask)
        return cls(str(Path.cwd()), dict(os.environ), mask)

    def take(self) -> None:
        """Make them those of this process."""
        os.chdir(self.folder)
        os.umask(self.umask)
        os.environ.clear()
        os.environ.update(self.env)
        time.tzset()
        tempfile.tempdir = None
