"""What writing the flow of a project costs: from its manifest to YAML, by the number of models."""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from figures import Figure

SIZES = (100, 1000, 5000)
WIDTH = 10
LIMIT_S = 600

Env = dict[str, str]


def measure(rounds: int, env: Env) -> list[Figure]:
    """Return the seconds that the command takes, and the size of what it writes."""
    found = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for models in SIZES:
            question = f"Writing the flow of {models} models with two tests each, of a manifest"
            manifest = Path(folder, "manifest.json")
            manifest.write_text(json.dumps(manifest_of(models)))
            for granularity in ("model", "folder"):
                times, size = _times(manifest, granularity, rounds, env)
                found.append(Figure(question, f"--granularity {granularity}", times))
                found.append(Figure(question, f"  its YAML ({granularity})", [size / 1e6], "MB"))
    return found


def _times(manifest: Path, granularity: str, rounds: int, env: Env) -> tuple[list[float], int]:
    flow = manifest.with_name("flow.yaml")
    options = ["--manifest", str(manifest), "--granularity", granularity, "-o", str(flow)]
    times = []
    for _ in range(rounds):
        began = time.monotonic()
        command = [sys.executable, "-m", "kestra_dbt", "flow", *options]
        subprocess.run(command, env=env, check=True, timeout=LIMIT_S, stderr=subprocess.DEVNULL)
        times.append(time.monotonic() - began)
    return times, flow.stat().st_size


def manifest_of(models: int) -> dict[str, Any]:
    """Return a manifest of chains of models; every third model also reads from the chain beside its own."""
    nodes = {}
    for index in range(models):
        parents = [index - WIDTH] + ([index - WIDTH + 1] if index % 3 == 0 else [])
        name = f"chain_{index % WIDTH:02}_step_{index // WIDTH:04}"
        unique_id = _id(index)
        nodes[unique_id] = {
            "resource_type": "model",
            "name": name,
            "package_name": "bench",
            "original_file_path": f"models/chain_{index % WIDTH:02}/{name}.sql",
            "description": "A model of the bench, whose description has a usual length.",
            "depends_on": {"nodes": [_id(parent) for parent in parents if parent >= 0]},
        }
        for kind in ("unique", "not_null"):
            test = f"{kind}_{name}_id"
            nodes[f"test.bench.{test}.{index:010x}"] = {
                "resource_type": "test",
                "name": test,
                "package_name": "bench",
                "original_file_path": "models/models.yml",
                "depends_on": {"nodes": [unique_id]},
            }
    schema = "https://schemas.getdbt.com/dbt/manifest/v12.json"
    return {"metadata": {"dbt_schema_version": schema, "project_name": "bench"}, "nodes": nodes}


def _id(index: int) -> str:
    return f"model.bench.chain_{index % WIDTH:02}_step_{index // WIDTH:04}"
