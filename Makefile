VENV := .venv
PYTHON := $(VENV)/bin/python
PRECEDENT := $(VENV)/bin/precedent
STAMP := $(VENV)/.installed

export PRECEDENT_HOME ?= $(CURDIR)/.precedent
export PRECEDENT_DATA ?= $(CURDIR)/../shared/data

# Two workers share the processors: what each starts keeps to one of them. Ratios compare one
# thread with one thread.
test quality bench-serving release-check: export OMP_NUM_THREADS := 1
test quality bench-serving release-check: export LOKY_MAX_CPU_COUNT := 1

# Commits wait for the disk, which takes longer than most tests; what is compiled once is kept for
# the second worker's servers and for the next run. An empty value is one that is not set.
test quality: export PYTEST_DEBUG_TEMPROOT := $(shell test -w /dev/shm && echo /dev/shm)
test quality: export PYTHONDONTWRITEBYTECODE :=
PYTEST := $(PYTHON) -m pytest -n 2 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help

help:  ## show this list
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 16

$(STAMP): pyproject.toml constraints.txt
	test -x $(PYTHON) || python3 -m venv $(VENV)
	@echo '1 of 2: PyTorch: downloads about 200 MB and unpacks 700 MB; one to two minutes'
	$(PYTHON) -m pip install --constraint constraints.txt torch
	@echo '2 of 2: everything else: downloads about 500 MB and unpacks 1.5 GB; two to four minutes'
	$(PYTHON) -m pip install --constraint constraints.txt --editable '.[dev]'
	touch $@

setup: $(STAMP)  ## create .venv with everything

run: $(STAMP)  ## train on a synthetic history unless a champion exists, then serve
	$(PRECEDENT) demo
	$(PRECEDENT) serve

test: $(STAMP)  ## run the tests
	$(PYTEST) -m 'not quality'

check: $(STAMP)  ## formatting, lint, types, imports and unused definitions
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/ruff check .
	$(VENV)/bin/mypy
	$(VENV)/bin/lint-imports
	$(VENV)/bin/vulture

train: $(STAMP)  ## train on HISTORY=file [MAPPING=file]
	$(PRECEDENT) train --history '$(HISTORY)' $(if $(MAPPING),--mapping '$(MAPPING)')

serve: $(STAMP)  ## answer over HTTP
	$(PRECEDENT) serve

quality: $(STAMP)  ## hold the floors on real data (PRECEDENT_DATA); drive Chromium and Prometheus
	$(PYTEST) -m quality -rs tests

bench: $(STAMP)  ## measure beside the peers and write tests/benchmarks/RESULTS.md
	$(PYTHON) tests/benchmarks/bench.py

bench-serving: $(STAMP)  ## measure what serving costs, as ratios [ONLY=a,b]
	PYTHONPATH=tests/benchmarks:tests/support $(PYTHON) -m serving_load $(if $(ONLY),--only $(ONLY))

faults: $(STAMP)  ## cause faults, and find every acknowledged write again [ROUNDS=200] [SEED=0] [ONLY=full-disk]
	PYTHONPATH=$(CURDIR):tests/support $(PYTHON) -m tests.faults $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only $(ONLY))

release-check: $(STAMP)  ## what is long: faults, bench-serving and a soak [MINUTES=20] [ROUNDS=200]
	PYTHONPATH=tests/benchmarks:tests/support $(PYTHON) -m serving_load.release_check $(if $(MINUTES),--minutes $(MINUTES)) $(if $(ROUNDS),--rounds $(ROUNDS))

compare: $(STAMP)  ## train and answer here and at BASE=commit, and print what differs
	PYTHONPATH=tests/benchmarks $(PYTHON) -m compare '$(BASE)' $(if $(ONLY),--only $(ONLY))

docs: $(STAMP)  ## write the page of settings anew
	$(PYTHON) tests/support/settings_page.py

notebooks: $(STAMP)  ## execute the notebooks
	for notebook in notebooks/*.py; do $(PYTHON) "$$notebook" || exit 1; done

mlflow: $(STAMP)  ## open MLflow's page on http://127.0.0.1:5000
	$(VENV)/bin/mlflow ui --backend-store-uri 'sqlite:///$(PRECEDENT_HOME)/mlflow.db' --host 127.0.0.1 --workers 1

.PHONY: help setup run test check train serve quality bench bench-serving faults release-check compare docs notebooks mlflow
