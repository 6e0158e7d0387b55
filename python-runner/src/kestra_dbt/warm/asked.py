"""What a warm process is asked: a request with all that its process would have had."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import asdict, dataclass

from kestra_dbt.core.surroundings import Surroundings
from kestra_dbt.warm.asking import send

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
    surroundings: Surroundings
    project: str | None
    """Name of the process that is to have the project in memory for the next requests; None: nobody is to."""

    @classmethod
    def receive(cls, connection: socket.socket) -> Asked:
        """Read what is asked."""
        connection.settimeout(_LIMIT_S)
        _, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
        with connection.makefile("rb") as stream:
            line = json.loads(stream.readline())
        return cls(connection, descriptors, line["arguments"], Surroundings(**line["surroundings"]), line["project"])

    def pass_on(self, connection: socket.socket) -> None:
        """Ask the same of who is at the other end."""
        surroundings = asdict(self.surroundings)
        asked: dict[str, object] = {"arguments": self.arguments, "surroundings": surroundings, "project": self.project}
        send(connection, self.descriptors, asked)

    def let_go(self) -> None:
        """Close the streams: whoever reads them waits for their ends."""
        for descriptor in self.descriptors:
            os.close(descriptor)
