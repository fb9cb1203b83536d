# `make run` starts a shop, `make test` runs every check that can run here.
PYTHON ?= python3
VENV   ?= .venv
HOST   ?= 127.0.0.1
PORT   ?= 8000
BIN    := $(VENV)/bin
# Settings of the shop, where a file of them lies here; it goes before the environment.
-include .env
export
DATA   := $(or $(EBRCS_DATA_DIR),var)
# A frame above the 1 MiB that are allowed is told so; beyond this the server cuts the line.
SOCKET := --websocket-max-message-size 2097152 --websocket-max-frame-size 2097152

.PHONY: run test lint types tests format messages clean

run: $(VENV)/.runtime
	$(BIN)/python manage.py migrate --verbosity 0
	@test -f "$(DATA)/.demo-seeded" || { $(BIN)/python manage.py seed_demo && touch "$(DATA)/.demo-seeded"; }
	@echo "EBRCS is at http://localhost:$(PORT)"
	$(BIN)/daphne --bind $(HOST) --port $(PORT) --verbosity 0 $(SOCKET) ebrcs.asgi:application

test: lint types tests

lint: $(VENV)/.development
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint templates --quiet --check --lint
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check

types: $(VENV)/.development
	$(BIN)/mypy .

tests: $(VENV)/.development
	$(BIN)/python -m pytest

format: $(VENV)/.development
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint templates --quiet --reformat

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	touch $@

$(VENV)/.development: requirements.txt requirements-dev.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.txt
	touch $(VENV)/.runtime $@
