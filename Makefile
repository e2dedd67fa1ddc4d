# Every command a developer needs. `make help` lists them.
# A machine needs Python 3.11 or newer, git and make; the rest comes from the lock files.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
# The first interpreter that is new enough; override with `make PYTHON=/path/to/python3`.
PYTHON ?= $(shell for candidate in python3 python3.14 python3.13 python3.12 python3.11; do \
	if $$candidate -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$candidate; break; fi; done)
JOBS ?= 2
TREES := src tests scripts $(if $(wildcard bench/*.py),bench)
# The longest files first, so that no process is left with one at the end.
TIERS := $(wildcard tests/e2e tests/simulation tests/interleave tests/browser tests/integration tests/contract tests/clients tests/unit)
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet --quiet --no-input
# Resolves for every platform and writes no index address into the file.
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url

.PHONY: help
help: ## List the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: $(VENV)/.runtime ## Start everything with a demo tenant; prints address and login
	$(BIN)/formlane serve --demo

.PHONY: test
test: check ## Check, then all tests but the campaigns (at most 10 minutes on 2 cores)
	mkdir -p build
	$(BIN)/python -m pytest $(TIERS) -q -n $(JOBS) --dist loadfile -o faulthandler_timeout=300 \
		--junit-xml build/junit.xml

.PHONY: check
check: $(VENV)/.dev ## Format, lint, types, import contracts, own rules, documentation
	$(BIN)/ruff format --check $(TREES)
	$(BIN)/ruff check $(TREES)
	$(BIN)/mypy $(TREES)
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m scripts.lint_rules
	$(BIN)/python -m pytest tests/docs -q

.PHONY: fix
fix: $(VENV)/.dev ## Format, and mend what the linter can mend by itself
	$(BIN)/ruff check --fix $(TREES)
	$(BIN)/ruff format $(TREES)

.PHONY: coverage
coverage: $(VENV)/.dev ## Run the destinations' own tests; fails unless they take every branch
	$(BIN)/python -m scripts.destination_coverage

.PHONY: bench
bench: $(VENV)/.dev ## Measure against the bare loop; writes bench/latest.json
	$(BIN)/python -m bench

.PHONY: campaign
campaign: $(VENV)/.dev ## All long campaigns (hours); writes campaign-report.md
	$(BIN)/python -m tests.campaign --report campaign-report.md

.PHONY: campaign-short
campaign-short: $(VENV)/.dev ## The same campaigns at the size that CI runs (minutes)
	$(BIN)/python -m tests.campaign --short --report campaign-report.md

.PHONY: lock
lock: $(VENV)/.dev ## Resolve all dependencies anew and pin them with hashes
	$(COMPILE) --upgrade pyproject.toml -o requirements/runtime.lock
	$(COMPILE) --upgrade --extra dev pyproject.toml -c requirements/runtime.lock -o requirements/dev.lock
	$(COMPILE) requirements/build.in -c requirements/dev.lock -o requirements/build.lock

.PHONY: clean
clean: ## Remove the environment and everything built; keeps data in var/
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage*
	find src tests bench scripts -name __pycache__ -type d -prune -exec rm -rf {} +

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer was not found. Install it, or name it: make PYTHON=/path/to/python3" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements/runtime.lock requirements/build.lock pyproject.toml | $(BIN)/python
	@echo 'Installing the pinned packages of requirements/runtime.lock (half a minute) …'
	$(PIP) install --require-hashes -r requirements/runtime.lock
	$(PIP) install --require-hashes -r requirements/build.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.dev: requirements/dev.lock $(VENV)/.runtime
	@echo 'Installing the pinned packages of requirements/dev.lock (about a minute) …'
	$(PIP) install --require-hashes -r requirements/dev.lock
	@touch $@
