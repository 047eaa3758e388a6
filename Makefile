# Everything a developer, an operator and CI do here. `make help` lists it.
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin
N ?=
MESSAGES ?=
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
BENCHES := bench-workdays bench-submissions bench-lookups bench-sse bench-timers bench-progress bench-catalogue \
           bench-classify bench-kpis bench-desk bench-feedback bench-recompute
.PHONY: help install up demo tour-catalogue tour-desk tour-clock tour-citizen test test-unit test-contract \
        test-integration test-e2e test-slow lint types format contracts verify-contracts bench $(BENCHES) lock check clean

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  \033[1m%-18s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.venv/python:
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 12) else "Python 3.12 or newer is needed, and %s is %d.%d: install it, or say make PYTHON=/path/to/python3.13" % (sys.executable, v[0], v[1]))'
	@$(PYTHON) -m venv .venv || { echo "Could not make .venv here: is this folder writable, and is Python's venv module installed (Debian: apt install python3-venv)?"; exit 1; }
	@touch $@

# Two stamps: what runs the system, and what is needed to develop it.
.venv/runtime: .venv/python requirements.lock
	@echo "Installing what Huying needs (once) …"
	@$(BIN)/pip install -q --require-hashes -r requirements.lock && touch $@

.venv/dev: .venv/python requirements-dev.lock
	@echo "Installing what developing Huying needs (once) …"
	@$(BIN)/pip install -q --require-hashes -r requirements-dev.lock && touch $@ .venv/runtime

install: .venv/dev ## create .venv with everything, locked and hashed

up: .venv/runtime ## start everything on this machine, until Ctrl-C
	@exec $(BIN)/python -m deploy.standalone.up

demo: .venv/runtime ## watch 120 requests go through (MESSAGES=file.csv N=500 for your own)
	@$(BIN)/python -m deploy.demo $(if $(MESSAGES),--messages "$(MESSAGES)") $(if $(N),--count $(N))

tour-clock: .venv/runtime ## a month of deadlines: more time, waiting, cards, supervision, an appeal, a downtime
	@$(BIN)/python -m deploy.tour clock

tour-catalogue: .venv/runtime ## change the rules: a broken workbook, a good one, a dry run, the day it is switched on
	@$(BIN)/python -m deploy.tour catalogue

tour-desk: .venv/runtime ## everything a work order can do: co-units, disputes, repairs, checks, ends, with each log
	@$(BIN)/python -m deploy.tour desk

tour-citizen: .venv/runtime ## one request through every node and side branch, as its citizen sees it
	@$(BIN)/python -m deploy.tour citizen

lint: .venv/dev ## ruff, formatting, import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: .venv/dev ## mypy --strict
	$(BIN)/mypy

format: .venv/dev ## let ruff fix and format
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

test: .venv/dev ## the whole suite, on servers it starts itself
	$(BIN)/pytest -n 2 --dist loadgroup -m "not slow"

test-unit: .venv/dev ## pure rules only, in seconds
	$(BIN)/pytest tests/unit
test-contract: .venv/dev ## contracts are current, examples validate, doors keep their OpenAPI
	$(BIN)/pytest tests/contract
test-integration: .venv/dev ## every service on real PostgreSQL and NATS
	$(BIN)/pytest -n 2 tests/integration -m "not slow"
test-e2e: .venv/dev ## the whole system in its own processes
	$(BIN)/pytest tests/e2e -m "not slow"
test-slow: .venv/dev ## long proofs: 20 rounds of kill -9, the three-node cluster
	$(BIN)/pytest -m slow -p no:randomly --timeout 3600

contracts: .venv/dev ## write AsyncAPI, JSON Schemas and OpenAPI from the code
	$(BIN)/python -m deploy.contracts
verify-contracts: .venv/dev ## fail when they are not current
	$(BIN)/python -m deploy.contracts --check

bench: $(BENCHES) ## every figure, into build/bench/
$(BENCHES): bench-%: .venv/dev
	$(BIN)/python -m tests.bench.$*

check: lint types verify-contracts test ## all that CI runs, in its order

lock: ## resolve the dependencies again
	$(PYTHON) -m pip install -q uv
	$(PYTHON) -m uv pip compile -q --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-annotate \
	  --custom-compile-command 'make lock' pyproject.toml -o requirements.lock
	$(PYTHON) -m uv pip compile -q --universal --python-version 3.12 --generate-hashes --no-emit-index-url --no-annotate \
	  --custom-compile-command 'make lock' --extra dev pyproject.toml -o requirements-dev.lock

clean: ## remove .venv, build/ and caches; var/ (your data) stays
	rm -rf .venv build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
