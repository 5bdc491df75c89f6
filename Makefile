.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
# With the engines that only some use, which the tests really start.
TESTED := .venv/.tested
# One thread a process: both cores are used by processes, and thread counts change the last digits of weights.
export OMP_NUM_THREADS ?= 1

.PHONY: help demo test coverage soak check lint format types floors clean

help:           ## Show what there is
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:.*## */\t/' | expand -t 12

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Neuromosaic needs Python 3.11 or newer: make PYTHON=python3.11 ...")'
	test -d .venv || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[tables,images]' --group dev
	touch $@

$(TESTED): $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[optuna,dask,ray,onnx,fabric]'
	touch $@

demo: $(READY)  ## Design a network for the built-in handwritten digits
	$(BIN)/neuromosaic design "classify 8x8 grey images of handwritten digits, under 20k parameters, under 1 ms per image on CPU" --data digits

# Three processes for two cores: a test often waits for the workers that it has started.
test: $(TESTED)  ## Run the whole test-suite; ARGS="-k chat" and the like go to pytest
	$(BIN)/python -m pytest -n 3 --dist worksteal $(ARGS)

# Counting branches takes half as long again, so that it is done apart.
coverage: $(TESTED)  ## The same, with branch coverage of the package: less than 90% is a failure
	$(MAKE) test ARGS="--cov --cov-report=term:skip-covered"

soak: $(TESTED)  ## The long tests: the whole zoo, and every attempt to escape, at every level
	$(BIN)/python -m pytest -n 3 --dist worksteal -m soak

check: lint types floors  ## Lint, types and floors

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(READY)
	$(BIN)/mypy

floors: $(READY)
	$(BIN)/lint-imports

format: $(READY)  ## Format the code
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:          ## Remove what builds and tests leave behind
	rm -rf .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage* build dist
