# Every task of the project; CI calls the same ones.
.DEFAULT_GOAL := help
.PHONY: help setup demo check test unit journeys bench docs audit lock clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
# Tests and demo start many processes: where caches are forbidden each would compile all its modules again, some 2 s.
unexport PYTHONDONTWRITEBYTECODE
# One more than there are cores: many tests wait for processes that they started.
WORKERS ?= $(shell $(PYTHON) -c 'import os; print((os.cpu_count() or 1) + 1)')

help: ## List the tasks
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(READY) ## Make .venv with the locked packages, hashes checked

$(READY): requirements-uv.lock requirements-dev.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
	$(BIN)/uv pip install --quiet --require-hashes -r requirements-dev.lock
	$(BIN)/uv pip install --quiet --no-deps --no-build-isolation -e .
	@touch $(READY)

demo: $(READY) ## Size a battery, here and on a server; share the sun of a street; dispatch a fleet
	$(BIN)/afterbay size run examples/red_rock_quarry.yaml --charts --out out/red-rock-quarry
	@echo
	$(BIN)/afterbay size years out/red-rock-quarry
	@echo
	$(BIN)/afterbay size optimum out/red-rock-quarry
	@echo
	$(BIN)/afterbay size tornado out/red-rock-quarry --measure npv_usd
	@echo
	$(BIN)/afterbay size report examples/red_rock_quarry.yaml --out out/red-rock-quarry-report
	@echo
	test -f out/elm-street/grid.json || $(BIN)/afterbay community create out/elm-street --example elm-street
	$(BIN)/afterbay community run out/elm-street --from 2023-06-12 --days 7 --charts --out out/elm-street-week
	@echo
	$(BIN)/afterbay community settle out/elm-street-week
	@echo
	$(BIN)/python tools/demo_fleet.py
	@echo
	$(BIN)/python tools/demo_server.py

check: $(READY) ## Format, lint, types, import contract, generated files, locks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check --no-cache .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python tools/check_repository.py
	$(BIN)/python tools/generate_docs.py --check
	$(BIN)/python tools/generate_proto.py --check

unit: $(READY) ## The tests alone, in parallel
	$(BIN)/python tools/warm_kernels.py
	$(BIN)/pytest -n $(WORKERS) --dist worksteal

test: check unit docs ## Everything that must pass

journeys: $(READY) ## Fleet and server on real processes, with plugs pulled; minutes
	AFTERBAY_JOURNEYS=1 $(BIN)/pytest tests/fleet/journeys tests/server/faults -n 2

bench: $(READY) ## Measure speed, memory and start beside plain Python, as ratios
	$(BIN)/python tools/bench.py
	$(BIN)/python tools/bench_community.py
	$(BIN)/python tools/bench_fleet.py
	$(BIN)/python tools/bench_server.py

docs: $(READY) ## Build the documentation strictly into site/
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

audit: $(READY) ## Ask the package index whether a locked package has a known vulnerability
	$(BIN)/uv tool run --quiet pip-audit@2.10.1 --strict --progress-spinner off --disable-pip --require-hashes \
		-r requirements-uv.lock -r requirements-dev.lock

lock: $(READY) ## Renew the lock files after a change of pyproject.toml
	cd $(CURDIR) && $(BIN)/uv pip compile pyproject.toml --extra all --group dev --universal --generate-hashes \
		--no-annotate --no-header -p 3.11 -q -o requirements-dev.lock
	cd $(CURDIR) && $(BIN)/uv pip compile pyproject.toml --extra all --universal --generate-hashes \
		--no-annotate --no-header -p 3.11 -q -c requirements-dev.lock -o requirements-run.lock
	echo 'uv==0.13.8' | $(BIN)/uv pip compile - --universal --generate-hashes --no-annotate --no-header \
		-p 3.11 -q -o requirements-uv.lock

clean: ## Remove what was built
	rm -rf $(VENV) site out .mypy_cache .ruff_cache .pytest_cache .hypothesis
