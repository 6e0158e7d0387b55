"""The bench's project as an Airflow DAG: Cosmos as it is by default, in local execution."""

import os
from pathlib import Path

from cosmos import DbtDag, ExecutionConfig, ExecutionMode, ProfileConfig, ProjectConfig

PROFILES = Path(os.environ["BENCH_PROFILES"])

project = DbtDag(
    dag_id="project",
    schedule=None,
    project_config=ProjectConfig(os.environ["BENCH_PROJECT"]),
    profile_config=ProfileConfig(profile_name="bench", target_name="dev", profiles_yml_filepath=PROFILES),
    execution_config=ExecutionConfig(execution_mode=ExecutionMode.LOCAL),
)
