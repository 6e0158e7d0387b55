"""The live heap of a JVM: what is left after a full collection."""

import re
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timezone
from pathlib import Path
from typing import NamedTuple

REST = 3
"""How much longer than a look the JVM is left alone until the next."""

LOOKS = 10
NOISE_MB = 0.5

TOTAL = re.compile(r"^Total\s+\d+\s+(?P<bytes>\d+)", re.MULTILINE)
FILLER = re.compile(r"^\s*\d+:\s+\d+\s+(?P<bytes>\d+)\s+\S*jdk\.internal\.vm\.Filler\S*", re.MULTILINE)
"""What the JVM fills gaps with is listed too, some megabytes, and is nothing."""


class Sample(NamedTuple):
    """What was live at a moment, in MB (of 1,000,000 bytes)."""

    at: datetime
    megabytes: float


class Heap:
    """Looks at the heap of a process, each time after a full collection."""

    def __init__(self, pid: int) -> None:
        jcmd = Path(f"/proc/{pid}/exe").resolve().with_name("jcmd")
        self._command = [str(jcmd), str(pid), "GC.class_histogram"]

    def look(self) -> Sample:
        """Collect, and return what is left."""
        done = subprocess.run(self._command, check=True, capture_output=True, text=True, timeout=60)
        total = TOTAL.search(done.stdout)
        if total is None:
            raise RuntimeError(f"jcmd has told no total: {done.stdout[-500:]}")
        filler = sum(int(found["bytes"]) for found in FILLER.finditer(done.stdout))
        return Sample(datetime.now(timezone.utc), (int(total["bytes"]) - filler) / 1e6)

    def settled(self) -> float:
        """Return what is live once it falls no more: what was before is let go of by and by."""
        least = self.look().megabytes
        for _ in range(LOOKS):
            time.sleep(1)
            last = least
            least = min(last, self.look().megabytes)
            if last - least < NOISE_MB:
                break
        return least

    @contextmanager
    def watched(self) -> Iterator[list[Sample]]:
        """Look again and again while the block runs, and leave the JVM most of the time."""
        samples: list[Sample] = []
        over = threading.Event()

        def watch() -> None:
            while not over.is_set():
                began = time.monotonic()
                samples.append(self.look())
                over.wait(REST * (time.monotonic() - began))

        thread = threading.Thread(target=watch)
        thread.start()
        try:
            yield samples
        finally:
            over.set()
            thread.join()
