# Everything a newcomer needs: `make demo` and `make test`. The first run sets up .venv; later runs find it ready.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Compiled modules are kept whatever the caller says: tests start hundreds of processes, and each would compile them all.
export PYTHONDONTWRITEBYTECODE :=
INSTALL := $(BIN)/python -m pip install -qq
WORKERS ?= 0
WEIGHTS := $(or $(VIGIL_HOME),$(HOME)/.vigil)/weights/.ready

.PHONY: help
help: ## say what can be made
	@awk -F':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: setup ## run an exam to watch in the browser (ARGS="..." goes to `vigil demo`)
	$(BIN)/vigil demo $(ARGS)

.PHONY: test
test: setup lint ## check the code and run every test (WORKERS=auto for several at a time; ARGS="..." goes to pytest)
	$(BIN)/python -m tests.chromium
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

.PHONY: lint
lint: .venv/.ready ## check style, types and who may import whom
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: bench
bench: setup ## run the benchmarks (ONLY=name for one of them)
	$(BIN)/python -m bench $(ONLY)

.PHONY: setup
setup: .venv/.ready $(WEIGHTS) web ## install everything, the detectors' weights and the pages included

.PHONY: web
web: api/static/.ready ## build the pages

.PHONY: lock
lock: .venv/.ready ## resolve pyproject.toml again into requirements.lock
	$(INSTALL) 'uv==0.13.*'
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --extra test --upgrade \
		--generate-hashes --no-header --no-annotate --output-file requirements.lock pyproject.toml

.venv/.ready: pyproject.toml requirements.lock requirements-torch.txt requirements-node.txt
	@$(PYTHON) -c 'import sys; sys.exit("Vigil needs Python 3.11 or newer (make PYTHON=...)") if sys.version_info < (3, 11) else None'
	@echo "setting up .venv (some minutes the first time)"
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(INSTALL) -r requirements-torch.txt
	$(INSTALL) --no-deps --require-hashes -r requirements.lock
	command -v npm >/dev/null || $(INSTALL) --no-deps --require-hashes -r requirements-node.txt
	$(INSTALL) --no-deps --editable .
	@touch $@

web/node_modules/.ready: web/package.json web/package-lock.json .venv/.ready
	cd web && npm ci --silent
	@touch $@

api/static/.ready: web/node_modules/.ready $(shell find web/src web/public web/*.html web/*.ts web/*.js -type f)
	cd web && npm run --silent build -- --logLevel warn
	@touch $@

$(WEIGHTS): .venv/.ready $(wildcard detectors/*.py)
	$(BIN)/python -m detectors.weights
	@touch $@
