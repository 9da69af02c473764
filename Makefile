# Both commands do all the set-up, in a virtual environment of the checkout, and are quick when repeated.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help demo test slow bench lint real seeds fuzz clean

help:  ## list the commands
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

demo: $(READY)  ## map a virtual protected area, from images to a checked delivery
	$(BIN)/bocage demo --out demo

test: $(READY)  ## run the tests with coverage, in two processes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2 -m "not seeds and not fuzz and not slow" --ignore=tests/benchmarks --cov --cov-report=term:skip-covered

slow: $(READY)  ## run the tests of the whole chain: the demo, runs that are killed and repeated, training; about eight minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m slow

bench: $(READY)  ## run the tests of the benchmarks: each runs, small, and prints what it promises; about four minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q tests/benchmarks

lint: $(READY)  ## check style and types
	$(BIN)/ruff check src tests benchmarks
	$(BIN)/ruff format --check src tests benchmarks
	$(BIN)/mypy

real: $(READY)  ## run the examples on real Sentinel-2 series (needs ../shared/data)
	$(BIN)/python -m benchmarks.real

seeds: $(READY)  ## build 50 seeds of every virtual landscape, about 20 minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m seeds tests/simulate

fuzz: $(READY)  ## generalise 10,000 small rasters, several minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -m fuzz tests/generalize

clean:  ## remove the virtual environment and the demo
	rm -rf $(VENV) demo

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "bocage needs Python 3.11 or newer; choose one with: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || { echo "Python cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	@began=$$(date +%s); \
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[train,compare,dev]' \
	&& echo "installation: $$(( $$(date +%s) - began )) s"
	@touch $@
