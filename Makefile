# Each target sets up what it needs: python3 >= 3.11, make and git are all that has to be there.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready-$(shell cat pyproject.toml Makefile | cksum | cut -d' ' -f1)
PYTEST_WORKERS ?= auto

# Tests and demo start hundreds of processes; where this is set, each would compile all modules.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test test-postgresql check soak bench mutants screenshots docs docs-images clean

help: ## show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

$(READY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Underseal needs Python 3.11 or newer; set PYTHON=/path/to/python3"; exit 1; }
	@echo "Setting up $(VENV) (once; a minute or two) ..."
	@rm -f $(VENV)/.ready-*
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

demo: $(READY) ## four companies exchange signed footprints on this machine
	@$(BIN)/underseal demo

test: $(READY) ## run the tests
	@$(BIN)/python -m pytest -q -n $(PYTEST_WORKERS) --dist loadgroup -m 'not soak'

test-postgresql: $(READY) ## run the tests with every node on PostgreSQL
	@$(BIN)/python -m pytest -q -n $(PYTEST_WORKERS) --dist loadgroup -m 'not soak' --database postgresql

check: $(READY) ## formatting, lint, types, then the tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	@$(MAKE) --no-print-directory test

soak: $(READY) ## long proofs: faults, load
	@$(BIN)/python -m pytest -q -m soak --timeout 3600

bench: $(READY) ## measure against the targets; writes bench.json
	@$(BIN)/python tests/benchmarks/bench.py

mutants: $(READY) ## change the code in small ways: does a test notice? takes an hour
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --group mutation
	@$(BIN)/python tests/mutation/run.py

screenshots: $(READY) ## every page of the console, light and dark, narrow and wide, into screenshots/
	@$(BIN)/python docs/screenshots.py

docs-images: $(READY) ## the pictures of the console that the documentation shows, into docs/images/
	@$(BIN)/python docs/screenshots.py docs

docs: $(READY) ## regenerate the generated parts of docs/reference
	@$(BIN)/python docs/generate.py

clean: ## remove everything that was set up
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis
