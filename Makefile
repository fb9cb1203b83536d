# `make run` starts a shop, `make test` runs every check that can run here.
PYTHON ?= python3
VENV   ?= .venv
HOST   ?= 127.0.0.1
PORT   ?= 8000
# What `make tests` and `make quick` run: all of it, or some folders; in how many processes, 0 for pytest's own;
# and whether they say how much of the code ran (COVERAGE=yes).
TESTS  ?=
WORKERS ?= $(shell $(PYTHON) -c 'import os; print(os.cpu_count() or 1)')
COVERAGE ?=
# TORCH=cpu: PyTorch without CUDA, several gigabytes less. Both packages come from one index, built for each other.
TORCH  ?=
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip install --quiet --disable-pip-version-check
PYTEST  = $(BIN)/python -m pytest --numprocesses $(WORKERS) --no-loadscope-reorder
SHOWN  := $(if $(filter 127.0.0.1 0.0.0.0 ::,$(HOST)),localhost,$(HOST))
.DELETE_ON_ERROR:
# A client that sends a frame above 1 MiB is told so; beyond this the server cuts the line.
SOCKET := --websocket-max-message-size 2097152 --websocket-max-frame-size 2097152

ifneq ($(filter-out cpu,$(TORCH)),)
$(error TORCH is cpu or nothing, not $(TORCH))
endif

.PHONY: run test lint types scripts tests quick attack format messages lock clean

run: $(VENV)/.runtime
	@refused=$$($(BIN)/python -c 'import socket; socket.create_server(("$(HOST)", int("$(PORT)")), \
	    family=socket.AF_INET6 if ":" in "$(HOST)" else socket.AF_INET)' 2>&1) || { \
	    echo "Cannot listen on $(HOST), port $(PORT): $${refused##*Error: }" >&2; \
	    echo "To use another port: make run PORT=8001" >&2; exit 1; }
	@$(BIN)/python manage.py migrate --verbosity 0
	@$(BIN)/python manage.py seed_demo --if-new --skip-checks
	@echo "EBRCS is at http://$(SHOWN):$(PORT), Ctrl-C ends it"
	@exec $(BIN)/daphne --bind $(HOST) --port $(PORT) --verbosity 0 ebrcs.asgi:application

test: lint types tests

lint: $(VENV)/.development scripts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/djlint templates --quiet --check --lint
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check

types: $(VENV)/.development
	$(BIN)/mypy .

# The types of the pages' scripts; nothing else needs Node.js.
NPM    := $(shell command -v npm 2>/dev/null)
scripts: $(if $(NPM),node_modules/.package-lock.json)
ifneq ($(NPM),)
	node_modules/.bin/tsc
else ifneq ($(filter true,$(CI))$(filter 1,$(EBRCS_REQUIRE_SERVICES)),)
	@echo "The types of static/js cannot be checked: Node.js 18 or newer with npm is needed" >&2; exit 1
else
	@echo "SKIPPED the types of static/js: needs Node.js 18 or newer with npm"
endif

tests: $(VENV)/.development
	$(PYTEST) $(if $(COVERAGE),--cov) $(TESTS)

# The fast tests, for use while working.
quick: $(VENV)/.development
	$(PYTEST) -m "not slow and not crash and not browser" $(TESTS)

# What one client can do to the others: attacks two servers of this checkout, or of PROJECT, and prints a table.
# Needs PostgreSQL and a Redis database of its own (DATABASE_URL, REDIS_URL). ATTACK="--only pings --json rows.json"
PROJECT ?= .
ATTACK ?=
attack: $(VENV)/.development
	$(BIN)/python -m tests.attack --project $(PROJECT) $(ATTACK)

format: $(VENV)/.development
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/djlint templates --quiet --reformat

# Collects the texts to translate and compiles their translations; needs GNU gettext.
messages: $(VENV)/.runtime
	$(BIN)/python manage.py makemessages --locale ko --add-location file --no-obsolete --no-wrap --ignore var --ignore tests
	$(BIN)/python manage.py compilemessages --locale ko --ignore .venv --ignore var

# Writes the exact versions with their hashes, changing only what the requirements no longer allow; LOCK=--upgrade takes
# the newest. The build of PyTorch is each machine's choice (CUDA, CPU, its own index), and every build has other hashes:
# it and the CUDA libraries that only it brings have versions and no hashes.
LOCK   ?=
COMPILE := $(BIN)/uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 --no-emit-index-url \
           --no-annotate --custom-compile-command "make lock"
WITHOUT_TORCH = $$(sed -nE 's/^((torch|triton|cuda-|nvidia-)[a-z0-9-]*)==.*/--no-emit-package \1/p' torch.lock)
lock: | $(VENV)/bin/python
	$(PIP) uv==0.13.9
	grep -E '^(torch|torchvision)==' requirements.txt | $(COMPILE) $(LOCK) --constraint requirements.txt \
	    --output-file torch.lock -
	$(COMPILE) $(LOCK) --constraint torch.lock --generate-hashes $(WITHOUT_TORCH) \
	    --output-file requirements-dev.lock requirements-dev.txt
	$(COMPILE) --constraint torch.lock --constraint requirements-dev.lock --generate-hashes $(WITHOUT_TORCH) \
	    --output-file requirements.lock requirements.txt

clean:
	rm -rf $(VENV) node_modules .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else \
	    "Python 3.11 or newer is needed, $(PYTHON) is " + sys.version.split()[0] + ": make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.torch-cpu: torch.lock | $(VENV)/bin/python
	@echo "Installing PyTorch without CUDA"
	$(PIP) --force-reinstall --no-deps --index-url $(TORCH_INDEX) $$(grep -E '^(torch|torchvision)==' torch.lock)
	touch $@

# The lock names all that is needed, so nothing else is looked for; what has another content than it says is refused.
HASHED := $(PIP) --require-hashes --no-deps --requirement
TORCHED := $(PIP) --constraint torch.lock torch torchvision

$(VENV)/.runtime: requirements.lock torch.lock $(if $(TORCH),$(VENV)/.torch-cpu) | $(VENV)/bin/python
	@echo "Installing what is needed, which takes some minutes the first time"
	$(HASHED) requirements.lock
	$(TORCHED)
	touch $@

$(VENV)/.development: requirements-dev.lock torch.lock $(if $(TORCH),$(VENV)/.torch-cpu) | $(VENV)/bin/python
	@echo "Installing what the checks need, which takes some minutes the first time"
	$(HASHED) requirements-dev.lock
	$(TORCHED)
	touch $(VENV)/.runtime $@

node_modules/.package-lock.json: package.json package-lock.json
	npm ci
	touch $@
