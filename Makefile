# The ways to work on Tunewell. Each target sets up what it needs; a second run is quick.
# Another Python: `make setup PYTHON=python3.12`. Options for pytest: `make test ARGS="-k spans"`.

VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check -qq
WORKERS ?= 2

# A Python that was asked for has a stamp of its own, so that asking for another one sets up anew.
INSTALLED := $(VENV)/.installed$(addprefix -,$(notdir $(PYTHON)))
MODEL := $(VENV)/.model-minilm

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup demo test check fix bench docs lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-7s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

setup: $(MODEL) ## Make .venv with everything pinned, and fetch the demo's model (a few minutes, once)

demo: setup ## Fine-tune on the bundled sample and show what comes out
	@$(BIN)/tunewell demo

# One thread for each worker: two workers with two threads each would fight over the cores, and the
# recorded numbers of the golden tests hold for one thread.
test: setup ## Run the tests
	@OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(ARGS)

check: setup ## Lint, formatting, types, and who imports whom
	@$(BIN)/ruff check --quiet .
	@$(BIN)/ruff format --check --quiet . || { echo "formatting differs: run 'make fix'"; exit 1; }
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo > $(VENV)/.imports 2>&1 || { cat $(VENV)/.imports; exit 1; }
	@echo "imports keep to the floors"

fix: setup ## Format, and mend what the linter can mend
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

# Not part of `test`: hours of both cores, and others at work spoil the numbers. ARGS="--list" says what and how long,
# ARGS="--quick" is a smoke run; docs/benchmarks.md has the rest.
bench: setup ## Measure against the Hugging Face Trainer; needs TUNEWELL_DATA and a quiet machine
	@$(BIN)/python -m benchmarks.standard $(ARGS)

# Needs no .venv: a lock that cannot be installed can still be written anew.
lock: ## Pin the dependencies again (UPGRADE=--upgrade moves them to newer versions)
	@$(or $(PYTHON),python3) scripts/lock.py $(UPGRADE)

docs: $(INSTALLED) ## Write the reference pages anew and build the docs site into site/
	@$(BIN)/python scripts/references.py
	@# Without --quiet: with it, mkdocs hides warnings from --strict as well.
	@NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict
	@echo "site/index.html"

clean: ## Remove what the tools left behind; .venv and runs/ stay
	@rm -rf build dist site .coverage htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@rm -rf src/*.egg-info
	@find src tests scripts benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

# The lock comes before torch: then torch finds its own dependencies in place, at their locked versions.
$(INSTALLED): constraints.txt requirements-build.lock requirements.lock pyproject.toml
	@bash scripts/make_venv.sh $(VENV) $(PYTHON)
	@echo "installing the locked packages"
	@$(PIP) install --no-deps --require-hashes -r requirements-build.lock
	@$(PIP) install --no-deps --require-hashes --no-build-isolation -r requirements.lock
	@echo "installing torch"
	@$(PIP) install -c constraints.txt torch
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

$(MODEL): $(INSTALLED) src/tunewell/models/packs.py
	@$(BIN)/tunewell models get minilm
	@touch $@
