"""Which requests can share a process that has their project in memory. Standard library only."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

PROJECT_SUFFIX = ".p"
"""How the names of their sockets end."""

_OF_ONE_REQUEST = frozenset({"OUTPUT_DIR", "WORKING_DIR", "PWD", "OLDPWD"})
"""Variables that are different for each request; Kestra sets the first two."""

_INDEX = "pack.json"


def project_of(request_file: Path, env: dict[str, str]) -> str | None:
    """Return the name of the process that has a request's project in memory; None if it has none that can be.

    Requests with one name have the same project, as it was parsed, and the same profiles, secrets and variables: so
    what one knows the other knows too.
    """
    try:
        request = json.loads(request_file.read_bytes())
        if request.get("kind") != "graph_node":
            return None
        with zipfile.ZipFile(request["pack"]) as archive:
            project = json.loads(archive.read(_INDEX))["id"]
        profiles = request.get("options", {}).get("profiles_dir")
    except (OSError, ValueError, KeyError, AttributeError, zipfile.BadZipFile):
        return None  # whoever carries it out says what is wrong
    variables = {name: value for name, value in env.items() if name not in _OF_ONE_REQUEST}
    parts = [project, profiles and str(Path(profiles).absolute()), variables]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16] + PROJECT_SUFFIX
