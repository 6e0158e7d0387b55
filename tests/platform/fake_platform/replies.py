"""Replies that several parts of the API give."""

from __future__ import annotations

import mimetypes
from pathlib import PurePosixPath

from fake_platform.artifacts import Artifact
from fake_platform.fake import Fake
from fake_platform.records import RunRecord
from fake_platform.routing import Reply, enveloped
from fake_platform.views import run_view


def run_reply(fake: Fake, run: RunRecord, related: set[str] | None = None) -> Reply:
    """Answer with a run as it is now."""
    return enveloped(run_view(fake.store, fake.store.runs.get(run.id) or run, related or set()))


def artifact_reply(artifact: Artifact) -> Reply:
    """Answer with a file, byte by byte: JSON as JSON, others as text or binary."""
    suffix = PurePosixPath(artifact.name).suffix
    guessed = "text/plain" if suffix in (".sql", ".log") else mimetypes.guess_type(artifact.name)[0]
    return Reply(200, artifact.chunks, guessed or "application/octet-stream", size=artifact.size)
