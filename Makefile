# make run     sets up .venv and runs the pilot; ARGS=--once exits instead of serving
# make test    sets up .venv with the test tools and runs every test
# make         lists what else there is

SHELL := /bin/sh
ARGS ?=
BIN := .venv/bin
BENCHES := bench/law.py bench/pilot.py bench/ledger.py bench/idtable.py bench/history.py bench/proof.py bench/lab.py bench/shadow.py bench/spread.py

JIAOZI_TORTURE ?= 100000
TORTURES := tests/rulebook/test_reading_mutations.py tests/ledger/test_fault_*.py tests/ledger/test_machine.py

.PHONY: help setup run test torture check format bench lock clean
help:
	@echo "setup   make .venv with everything pinned (no global installs)"
	@echo "run     run the pilot and serve the console; make run ARGS=--once exits instead"
	@echo "test    run every test"
	@echo "torture run the random tests and the faults for as long as their numbers say (JIAOZI_TORTURE=n)"
	@echo "check   ruff and mypy --strict"
	@echo "format  let ruff format everything"
	@echo "bench   print the figures we publish"
	@echo "lock    compile requirements/*.txt again"

setup: .venv/dev.stamp

# An environment that has the test tools keeps them.
.venv/run.stamp: requirements/bootstrap.txt requirements/build.txt requirements/run.txt pyproject.toml
	@if test -e .venv/dev.stamp; then sh scripts/environment.sh dev; else sh scripts/environment.sh run; fi
	@touch $@

.venv/dev.stamp: requirements/bootstrap.txt requirements/build.txt requirements/dev.txt pyproject.toml
	@sh scripts/environment.sh dev
	@touch $@ .venv/run.stamp

run: .venv/run.stamp
	@$(BIN)/jiaozi pilot $(ARGS)

test: .venv/dev.stamp
	@$(BIN)/python -m pytest -q $(ARGS)

torture: .venv/dev.stamp
	@JIAOZI_TORTURE=$(JIAOZI_TORTURE) $(BIN)/python -m pytest -q -s $(TORTURES) $(ARGS)

check: .venv/dev.stamp
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: .venv/dev.stamp
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: .venv/dev.stamp
	@for file in $(BENCHES); do $(BIN)/python -m bench.$$(basename $$file .py) $(ARGS) || exit 1; done

lock: .venv/dev.stamp
	@for name in bootstrap build; do \
	  $(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header \
	    requirements/$$name.in -o requirements/$$name.txt; done
	@$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header \
	  pyproject.toml -o requirements/run.txt
	@$(BIN)/uv pip compile -q --universal --generate-hashes --python-version 3.11 --no-header \
	  pyproject.toml --group dev -c requirements/run.txt -o requirements/dev.txt

clean:
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis var
