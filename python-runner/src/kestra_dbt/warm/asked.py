"""What a warm process is asked: a request with all that its process would have had."""

from __future__ import annotations

import json
import os
import socket
import tempfile
import time
from dataclasses import dataclass

_LIMIT_S = 30.0
"""Seconds in which whoever has connected has to have said what for."""


@dataclass(frozen=True)
class Asked:
    """One request, as the process has it that forks for it."""

    connection: socket.socket
    """To whoever asked."""
    descriptors: list[int]
    """The standard input, output and error of whoever asked."""
    arguments: list[str]
    """Of the runner's command line."""
    folder: str
    env: dict[str, str]
    umask: int
    project: str | None
    """Name of the process that is to have the project in memory from now on; None: this request wants none."""

    @classmethod
    def receive(cls, connection: socket.socket) -> Asked:
        """Read what is asked."""
        connection.settimeout(_LIMIT_S)
        _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
        with connection.makefile("rb") as line:
            return cls(connection, descriptors, **json.loads(line.readline()))

    def let_go(self) -> None:
        """Close the streams: whoever reads them waits for their ends."""
        for descriptor in self.descriptors:
            os.close(descriptor)

    def take_place(self) -> None:
        """Make this process what whoever asked was: folder, environment, all but its standard streams."""
        os.chdir(self.folder)
        os.umask(self.umask)
        os.environ.clear()
        os.environ.update(self.env)
        time.tzset()
        tempfile.tempdir = None
