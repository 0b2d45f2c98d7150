# Symphony. `make` alone lists what there is; nothing but make and Python 3.11 or newer is needed.

PYTHON ?= python3
PORT ?= 8000
FLOWER_PORT ?= 5555
# Each process has servers of its own to feed.
JOBS ?= $(shell $(PY) -c "import os; print(min(max(2, (os.cpu_count() or 2) - 1), 8))")
FUZZ_SECONDS ?= 300
MINUTES ?= 5
PEERS ?=
SEED ?=
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup up servers demo test test-rabbitmq check chaos client fuzz format bench bench-api bench-peers lock clean

help: ## list these targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "  make %-13s %s\n", $$1, $$2 }'

setup: $(STAMP) ## make the virtual environment and install what is pinned (at once when nothing changed)

$(STAMP): requirements-dev.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Symphony needs Python 3.11 or newer and $(PYTHON) is not: name another, make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null \
		|| { echo "$(PYTHON) comes without venv: install it, on Debian by apt-get install python3-venv" >&2; exit 1; }
	@test -x $(PY) || $(PYTHON) -m venv $(VENV)
	@echo "Installing packages into $(VENV) ..."
	@$(PY) -m pip install --quiet --disable-pip-version-check --requirement requirements-dev.txt
	@touch $(STAMP)

up: $(STAMP) ## start everything and keep it running until Ctrl-C (PORT=8000, FLOWER_PORT=5555)
	@exec $(PY) manage.py up --port $(PORT) --flower-port $(FLOWER_PORT) --tied

servers: $(STAMP) ## start PostgreSQL and Valkey only
	@exec $(PY) manage.py up --servers --tied

demo: $(STAMP) ## run a melody over REST and watch it; starts and stops all it needs
	@exec $(PY) manage.py demo

test: $(STAMP) ## run all tests, on real servers (ARGS="-k name" narrows, JOBS=0 runs one after the other)
	@exec env -u PYTHONDONTWRITEBYTECODE $(PY) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder $(ARGS)

check: $(STAMP) ## lint, format, types, import rules, migrations, API schema
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/mypy
	$(VENV)/bin/mypy --config-file clients/python/pyproject.toml
	$(VENV)/bin/lint-imports
	$(PY) -W "ignore:Got an error checking a consistent migration history" manage.py makemigrations --check --dry-run
	$(PY) manage.py spectacular --fail-on-warn --validate --file /dev/null

client: $(STAMP) ## write clients/python anew from the API's schema
	@exec $(PY) -W ignore -m clients.generate

chaos: $(STAMP) ## strike everything at random while runs go on, and judge their history (MINUTES=5, SEED=)
	@env SYMPHONY_CHAOS_MINUTES=$(MINUTES) SYMPHONY_CHAOS_SEED=$(SEED) $(PY) -m pytest -q --timeout 0 tests/chaos/test_verdict.py \
		tests/chaos/test_storm.py tests/chaos/test_machine.py tests/chaos/test_moved_clocks.py tests/chaos/test_many_machines.py $(ARGS)

test-rabbitmq: $(STAMP) ## run the tests of workers, chaos and whole stacks with RabbitMQ as broker, if it is installed
	@if $(PY) -m tests.rabbit; then exec env SYMPHONY_TEST_BROKER=rabbitmq $(PY) -m pytest -n $(JOBS) --dist loadfile --no-loadscope-reorder \
		tests/workers tests/chaos tests/acceptance $(ARGS); fi

fuzz: $(STAMP) ## throw generated requests at every route for minutes (FUZZ_SECONDS=300)
	@SYMPHONY_FUZZ_SECONDS=$(FUZZ_SECONDS) exec $(PY) -m pytest tests/fuzz --timeout 0 $(ARGS)

format: $(STAMP) ## rewrite the code in house style
	$(VENV)/bin/ruff check --fix-only .
	$(VENV)/bin/ruff format .

bench-api: $(STAMP) ## measure lists and details at 100,000 melodies and 1,000,000 tasks against an empty database
	@exec $(PY) -m benchmarks.api

bench: $(STAMP) ## measure Symphony beside plain Celery, write benchmarks/results.json
	@exec $(PY) -m benchmarks --readme --tied $(ARGS)

bench-peers: $(STAMP) ## measure Symphony beside other engines (PEERS=dbos,prefect; default all), write benchmarks/peers.json
	@exec $(PY) -m benchmarks.peers --tied --peers "$(PEERS)" $(ARGS)

lock: $(STAMP) ## pin requirements*.txt anew from pyproject.toml
	$(PY) -m pip install --quiet --disable-pip-version-check uv
	$(PY) -m uv pip compile --quiet --no-header --universal --upgrade --python-version 3.11 pyproject.toml --output-file requirements.txt
	$(PY) -m uv pip compile --quiet --no-header --universal --python-version 3.11 --constraint requirements.txt --extra dev pyproject.toml --output-file requirements-dev.txt

clean: ## remove the virtual environment and caches; never .symphony, where your data is
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
