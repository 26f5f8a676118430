# `make lab` opens the course, `make test` runs every check. Both need Python >= 3.11 and make, and nothing else.
PYTHON ?= python3
PIP_FLAGS ?=
BIN := .venv/bin
export OMP_NUM_THREADS := 1

.PHONY: lab test lint frontend unit notebooks browser chromium clean

lab: .venv/lab
	$(BIN)/nasedu lab

test: lint frontend unit notebooks browser

lint: .venv/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

frontend: .venv/dev
	$(BIN)/python -m pytest tests/frontend

unit: .venv/dev
	$(BIN)/python -m pytest --numprocesses 2 --ignore tests/frontend --ignore tests/notebooks --ignore tests/browser

notebooks: .venv/dev
	$(BIN)/python -m pytest --numprocesses 2 tests/notebooks

browser: .venv/dev chromium
	$(BIN)/python -m pytest tests/browser

# Only the browser tests need it. Where it cannot be installed from here, they say what to install.
chromium:
	@command -v chromium >/dev/null || [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null \
	  || { apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium; }

# The last one is copied into .venv: after a git pull, JupyterLab would load the old one.
.venv/lab: pyproject.toml constraints.txt nasedu/widgets/labextension/package.json
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --constraint constraints.txt $(PIP_FLAGS) --editable '.[lab]'
	touch $@

.venv/dev: .venv/lab
	$(BIN)/python -m pip install --quiet --constraint constraints.txt $(PIP_FLAGS) --editable '.[lab,dev]'
	touch $@

clean:
	rm -rf .venv node_modules widgets/node_modules widgets/packages/*/node_modules widgets/packages/*/lib
