# AnalyticsPro. A bare `make` explains itself.
.DEFAULT_GOAL := help
.PHONY: help install up down lab test test-browser lint check bench soak screenshots lock clean
export PYTHON CHROMIUM LAB_PORT INITDB MARIADBD

BIN := .venv/bin
NAME ?=
OUT ?=

help:
	@echo "AnalyticsPro: what can be made"
	@echo
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' Makefile | awk -F'|' '{printf "%-20s %s\n", $$1, $$2}'
	@echo
	@echo "Settings: ANALYTICSPRO_HOME (data folder, ~/.analyticspro), ANALYTICSPRO_PORT and"
	@echo "ANALYTICSPRO_API_PORT, LAB_PORT (8888), PYTHON, CHROMIUM, ANALYTICSPRO_TEST_DATA."

install: ## Install what is needed to run, into .venv; nothing to do if it is there.
	@scripts/install runtime

up: install ## Start everything, with demo data if the home is empty; prints the address to open.
	@$(BIN)/analyticspro up --demo

down: ## Stop what `make up` started; the data stays.
	@if [ -x $(BIN)/analyticspro ]; then $(BIN)/analyticspro down; else echo "Nothing is installed here, so nothing runs."; fi

lab: install ## Open JupyterLab on this workspace.
	@$(BIN)/python scripts/lab.py

test: ## Run all tests but those in a browser and the long ones.
	@scripts/install dev
	@scripts/find-postgresql >/dev/null && scripts/find-mariadb >/dev/null && scripts/environment s3 >/dev/null
	@$(BIN)/python -m pytest -q --numprocesses auto --dist loadscope

test-browser: ## Run the tests in a real Chromium; installs it where it may.
	@scripts/install dev
	@chromium="$$(scripts/find-chromium)" && CHROMIUM="$$chromium" $(BIN)/python -m pytest -q -m browser

lint: ## Check format, style, types and import layers.
	@scripts/install dev
	@$(BIN)/ruff format --check --quiet . || { echo "Not formatted; run: $(BIN)/ruff format ." >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --strict analyticspro
	@$(BIN)/lint-imports

check: lint test test-browser ## Everything that CI runs; the notebook check is one of the tests.

bench: install ## Run one benchmark: make bench NAME=startup, NAME=nab OUT=DIR
	@if [ ! -f "bench/$(NAME).py" ]; then echo "Write make bench NAME=… with one of:" $$(cd bench && grep -l __main__ *.py | sed 's/\.py//') >&2; exit 2; fi
	@$(BIN)/python bench/$(NAME).py $(if $(OUT),--out '$(OUT)')

soak: ## Run the long forms of the tests.
	@scripts/install dev
	@scripts/find-postgresql >/dev/null && scripts/find-mariadb >/dev/null && scripts/environment s3 >/dev/null
	@$(BIN)/python -m pytest -q -m soak

screenshots: ## Make the pictures of the README again.
	@scripts/install dev
	@chromium="$$(scripts/find-chromium)" && CHROMIUM="$$chromium" $(BIN)/python scripts/screenshots.py

lock: ## Choose the newest versions again and write the lock files.
	@scripts/lock

clean: ## Remove .venv and caches; never data.
	rm -rf .venv .venv-lock .venv-s3 .venv-chdb .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
