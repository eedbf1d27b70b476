# `make` alone lists what there is. Everything installs into .venv, from the lock files.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
BIN := .venv/bin

# `make demo KAFKA=host:9092 REDIS=redis://host` uses these instead of embedded defaults.
ifdef KAFKA
export MODERATOR_KAFKA := $(KAFKA)
endif
ifdef REDIS
export MODERATOR_REDIS := $(REDIS)
endif

# So many tests run at a time; those on Kafka wait more than they compute.
JOBS ?= 3
# File by file, because servers are shared by the tests of one, in the order of tests/conftest.py.
SIDE_BY_SIDE := --numprocesses $(JOBS) --dist loadfile --no-loadscope-reorder
# Tests start hundreds of processes; where this is set each would compile every module anew.
test unit chaos: export PYTHONDONTWRITEBYTECODE :=

.PHONY: help demo test unit lint format bench chaos fuzz services lock clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-9s %s\n", $$1, $$2}'

demo: .venv/run ## See the service at work: embedded broker, a worker, sample posts
	@$(BIN)/moderator demo

test: .venv/dev lint ## Everything: linters, types, all tests on a real Kafka and a real Redis
	@$(BIN)/python -m tests.services install
	@$(BIN)/pytest $(SIDE_BY_SIDE)

unit: .venv/dev ## Only the tests that need neither Kafka nor Redis
	@$(BIN)/pytest $(SIDE_BY_SIDE) -m "not (kafka or real_kafka or redis)"

lint: .venv/dev ## ruff and mypy
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: .venv/dev ## Format the code and apply safe fixes
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

# `make bench ONLY=images,texts` runs some parts; `OTHERS=python` has libraries to compare with.
bench: .venv/dev ## Measure: cost per post, shares of bare encoders, bars; writes .bench/
	@ONLY=$(ONLY) $(BIN)/python -m tests.bench

fuzz: .venv/dev ## Feed decoders, YAML, posts and texts mutated input, SECONDS=60 each; writes .fuzz/
	@$(BIN)/pip install --quiet --disable-pip-version-check "atheris>=3,<4"
	@$(BIN)/python -m tests.fuzz

chaos: .venv/dev ## Every fault under load on real Kafka, and a table of what was lost; CHAOS="--small --fault none"
	@$(BIN)/python -m tests.chaos $(CHAOS)

services: .venv/dev ## Start the test Kafka and Redis and print their addresses, until Ctrl-C
	@$(BIN)/python -m tests.services up

lock: .venv/python ## Resolve the dependencies anew
	@$(BIN)/pip install --quiet uv
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make lock" \
	  --upgrade pyproject.toml --group build \
	  --extra cpu --extra demo --extra otel --extra console --extra video -o deploy/requirements.lock
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	  --custom-compile-command "make lock" \
	  -c deploy/requirements.lock pyproject.toml --group build --group dev \
	  $(foreach extra,cpu demo otel console eval archive video ocr optimize,--extra $(extra)) \
	  -o tests/requirements.lock

clean: ## Remove the virtual environment, installed services and caches
	rm -rf .venv .services .bench .fuzz .mypy_cache .pytest_cache .ruff_cache .hypothesis

.venv/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; try make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv .venv || \
	  { echo "on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@touch $@

.venv/run: .venv/python deploy/requirements.lock pyproject.toml
	@echo "installing into .venv, once, about a minute …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r deploy/requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/dev: .venv/run tests/requirements.lock
	@echo "installing what the tests need …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r tests/requirements.lock
	@touch $@
