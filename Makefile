# Everything a developer does here. Every target sets up what it needs first.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup setup-system demo up test test-hard test-brokers test-broker-4 check check-code format bench lock clean

# Given as ARGS="-k replay -x" to the test targets.
ARGS ?=
PYTHON := .venv/bin/python
# Most tests wait for something: four at a time keep two cores busy. With larger chunks a worker that has quick tests
# gathers slow ones too, and is left alone with them at the end.
PYTEST := $(PYTHON) -m pytest --numprocesses 4 --maxschedchunk 1
UV := .venv/bin/uv
RUN_UV := env -u VIRTUAL_ENV UV_PYTHON_DOWNLOADS=never UV_SYSTEM_CERTS=1 $(UV)
READY := .venv/ready
# Where it is set, each of hundreds of processes compiles the same files again.
unexport PYTHONDONTWRITEBYTECODE

help: ## show this
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' Makefile

setup: $(READY) ## make .venv and install what uv.lock says; needs Python 3.11 or later with venv
	@:

# uv is installed into .venv, which it fills: --inexact leaves it there.
$(READY): $(UV) pyproject.toml uv.lock shared/pyproject.toml $(wildcard services/*/pyproject.toml)
	@echo "setting up .venv (once, and again when uv.lock changes)"
	@test -w "$${UV_CACHE_DIR:-$${HOME:-/nonexistent}}" || export UV_NO_CACHE=1; \
		$(RUN_UV) sync --quiet --frozen --all-packages --all-extras --inexact --compile-bytecode
	@touch $(READY)

$(UV):
	@test -x $(PYTHON) && $(PYTHON) -c '' 2>/dev/null || { \
		for python in python3 python3.14 python3.13 python3.12 python3.11; do \
			$$python -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
			$$python -m venv --clear .venv && exit; \
		done; \
		echo "no Python 3.11 or later with venv on the PATH; Debian and Ubuntu: apt-get install python3-venv" >&2; \
		exit 1; }
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check uv

setup-system: setup ## Debian and Ubuntu, as root: install what tests need (RabbitMQ, PostgreSQL, …), services off
	@$(PYTHON) scripts/setup_system.py

demo: setup ## the whole story in front of you, in about 45 seconds
	@.venv/bin/postroom demo

up: setup ## run broker and all services until Ctrl-C
	@.venv/bin/postroom up

test: setup ## run all tests, on the RabbitMQ at hand
	@$(PYTEST) $(ARGS)

test-hard: setup ## run all tests on a busy machine, and what waits again and again; takes hours
	@$(PYTHON) -m tests.hard $(ARGS)

test-brokers: setup ## run what needs a broker on the RabbitMQ at hand and on a RabbitMQ 4.x
	@$(PYTEST) -m broker $(ARGS)
	@$(MAKE) --no-print-directory test-broker-4

test-broker-4: setup ## run what needs a broker on a RabbitMQ 4.x, where ../shared/tools/rabbitmq4 can start one
	@if $(PYTHON) -m tests.support.rabbitmq4; then POSTROOM_TEST_BROKER=4 $(PYTEST) -m broker $(ARGS); fi

check: check-code test ## the whole gate: format, lint, types, layers, tests

check-code: setup ## the gate without tests
	@$(PYTHON) -m ruff format --check --quiet . || { echo "not formatted: make format" >&2; exit 1; }
	@$(PYTHON) -m ruff check --quiet .
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports

format: setup ## format the code and fix what ruff can fix
	@$(PYTHON) -m ruff check --quiet --fix-only .
	@$(PYTHON) -m ruff format .

lock: $(UV) ## bring uv.lock up to the pyproject.toml files, and .venv to uv.lock
	@$(RUN_UV) lock --quiet
	@$(MAKE) --no-print-directory setup

bench: setup ## measure this machine
	@$(PYTHON) -m bench

clean: ## remove .venv and caches; ./var, where messages are, stays
	rm -rf .venv examples/node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
