# termwall: `make run` serves this folder, `make test` runs every test. See README.md.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
NPM := cd web && npm

.PHONY: run test coverage test-proxies test-agents test-terminals lowest soak kills fuzz check bench dev build generate clean

run: $(VENV)/.installed
	@echo "termwall: starting; stop it with Ctrl+C"
	@$(BIN)/termwall $(ARGS)

# Compiled once, not by each of the thousand processes that the tests start, where the environment says not to keep that.
test: export PYTHONDONTWRITEBYTECODE =
test: $(VENV)/.testing web/node_modules/.installed browser
	$(BIN)/python -m pytest -n 6 --dist loadgroup --no-loadscope-reorder
	$(NPM) test

# Which lines no test runs, in all processes: docs/explanation/coverage.md. No gate; `make coverage TESTS=tests/hub` is a part.
coverage: TESTS = tests --ignore tests/e2e
coverage: $(VENV)/.testing
	$(BIN)/python -m pip install --quiet --disable-pip-version-check coverage==7.17.5
	-$(BIN)/coverage run -m pytest -n 3 $(TESTS)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report

# The texts of docs/how-to/reverse-proxy.md with the real programs; on Debian they come with
# apt install nginx caddy haproxy apache2 openssh-server
test-proxies: $(VENV)/.testing browser
	$(BIN)/python -m pytest tests/proxies

# Shift+Enter in Claude Code, Codex, Gemini CLI and Copilot CLI, as pinned in tests/agents/package.json; no account is needed.
test-agents: $(VENV)/.testing browser
	npm install --prefix tests/agents --no-audit --no-fund --no-package-lock
	node tests/agents/node_modules/@anthropic-ai/claude-code/install.cjs
	$(BIN)/python -m pytest tests/agents

# `termwall attach` in a real xterm, with real keys; on Debian: apt install xterm xvfb libxtst6 fonts-dejavu-core
test-terminals: $(VENV)/.testing
	$(BIN)/python -m pytest tests/terminals

# The core of the suite on the lowest versions of the dependencies that pyproject.toml allows; a folder of its own, .lowest.
LOWEST_TESTS := core protocol store ipc system hub transport cli wire recordings
lowest: $(VENV)/.testing
	rm -rf .lowest
	$(PYTHON) -m venv .lowest
	$(BIN)/python tools/lowest.py > .lowest/requirements.txt
	.lowest/bin/python -m pip install --quiet --disable-pip-version-check -r .lowest/requirements.txt
	TERMWALL_WEB=skip .lowest/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	.lowest/bin/python -m pytest -n 2 --dist loadgroup $(addprefix tests/,$(LOWEST_TESTS)) $(ARGS)

# Half an hour of everything at once, and a thousand kill -9; `make soak ARGS="--minutes 3"` is a short one.
soak: $(VENV)/.testing
	$(BIN)/python -m tests.soak $(ARGS)

kills: $(VENV)/.testing
	$(BIN)/python -m tests.soak.kills $(ARGS)

# A quarter of an hour of bad calls, messages and frames; `make fuzz ARGS="--minutes 2 --number 7"` begins with that number.
fuzz: $(VENV)/.testing
	$(BIN)/python -m tests.fuzz $(ARGS)

check: $(VENV)/.testing web/node_modules/.installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/check_exhaustive.py
	$(BIN)/lint-imports
	$(BIN)/python tools/generate_typescript.py --check
	$(BIN)/python tools/generate_reference.py --check
	$(BIN)/python tools/generate_abi.py --check
	$(NPM) run check

bench: $(VENV)/.testing
	$(BIN)/python -m benchmarks

dev: $(VENV)/.testing web/node_modules/.installed
	@echo "termwall: the page with live reload; its address comes below, with ?token= of the server's"
	@$(BIN)/termwall --no-open & trap "kill $$!" EXIT; cd web && npm run dev

build: $(VENV)/.testing
	$(BIN)/python -m build

generate: $(VENV)/.testing
	$(BIN)/python tools/generate_typescript.py
	$(BIN)/python tools/generate_reference.py
	$(BIN)/python tools/generate_abi.py

clean:
	rm -rf $(VENV) .lowest dist web/node_modules src/termwall/static/*

.PHONY: browser
browser:
	@tools/find-browser

$(VENV)/bin/python:
	@echo "termwall: making a virtual environment in $(VENV)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "termwall needs Python 3.11 or newer; try: make run PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "This Python cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }

# The page's sources are part of the package, so a change to them installs again.
SOURCES := $(shell find src web/app web/packages -name node_modules -prune -o -path src/termwall/static -prune -o -type f -print 2>/dev/null)

$(VENV)/.installed: $(VENV)/bin/python requirements/run.txt pyproject.toml hatch_build.py web/package-lock.json $(SOURCES)
	@echo "termwall: installing (1 of 2) the libraries"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/run.txt
	@echo "termwall: installing (2 of 2) termwall; this builds its page, which takes up to a minute"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --force-reinstall .
	@touch $@

$(VENV)/.testing: $(VENV)/bin/python requirements/test.txt pyproject.toml hatch_build.py web/package-lock.json $(SOURCES)
	@echo "termwall: installing what the tests need"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/test.txt
	@echo "termwall: building the page"
	@rm -f src/termwall/static/BUILD src/termwall/static/index.html
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

web/node_modules/.installed: web/package-lock.json
	@command -v npm >/dev/null || { echo "The tests of the page need Node.js 20.19 or newer with npm." >&2; exit 1; }
	@echo "termwall: installing what the page's tests need"
	@$(NPM) ci --no-audit --no-fund --ignore-scripts --loglevel=error
	@touch $@
