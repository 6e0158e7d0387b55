# Everything a person needs here is a target: `make` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
BUILT := plugin/build/.built

JAVA_SOURCES := $(shell find plugin/src/main tests/engine python-runner/src -type f -not -path '*/build/*' -not -path '*/__pycache__/*' 2>/dev/null)
BUILD_FILES := build.gradle settings.gradle gradle.properties plugin/build.gradle

.PHONY: help demo test check bench schema doctor build clean

help: ## List the targets.
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

demo: doctor $(BUILT) ## Run the sample project in a real Kestra engine, live; artifacts go to demo-outputs.
	@$(PYTHON) demo/demo.py

test: doctor $(BUILT) $(VENV)/.ready ## Run every test: runner, plugin on both Kestras, end to end.
	@echo "== Format, lint and types"
	@$(MAKE) --no-print-directory check
	@echo "== Runner"
	@$(PY) -m pytest -n 2 python-runner/tests
	@echo "== Plugin, on Kestra 1.3 and 2.0"
	@scripts/gradle :plugin:check
	@echo "== End to end, on Kestra 1.3 and 2.0"
	@$(PY) -m pytest -c tests/pytest.ini -n 2 --dist loadgroup tests

check: $(VENV)/.ready ## The quick checks: format, lint, types.
	@$(VENV)/bin/ruff format --check --quiet .
	@$(VENV)/bin/ruff check --quiet .
	@cd python-runner && ../$(VENV)/bin/mypy
	@cd tests && ../$(VENV)/bin/mypy

bench: doctor $(BUILT) $(VENV)/.ready ## Measure it all against bare dbt and what others do, in one run.
	@$(PY) bench/bench.py

schema: $(VENV)/.ready ## Export the contract as JSON Schema, after a change of its models.
	@$(VENV)/bin/kestra-dbt schema contract

doctor: ## Name the tools that are missing, and how to get them.
	@scripts/doctor

build: $(BUILT) ## Build the plugin jar (plugin/build/libs) and the engines of the tests.

# A stamp: Gradle itself needs ten seconds to find out that there is nothing to do.
$(BUILT): $(JAVA_SOURCES) $(BUILD_FILES)
	@echo "Building the plugin and the engines (the first time, their dependencies are downloaded: some minutes)"
	@scripts/gradle :plugin:shadowJar :engine-1.3:classpath :engine-2.0:classpath
	@touch $@

$(VENV)/.ready: python-runner/pyproject.toml
	@echo "Setting up $(VENV) with dbt and the test tools"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PY) -m pip install --quiet --disable-pip-version-check uv
	@$(VENV)/bin/uv pip install --quiet --compile-bytecode --python $(PY) -e 'python-runner[test,check]'
	@touch $@

clean: ## Remove what the targets made (caches of downloads stay).
	@rm -rf $(VENV) build plugin/build tests/engine/build tests/engine/*/build demo-outputs bench-outputs
