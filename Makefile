# make run    everything on this machine, in a second terminal: .venv/bin/smsgate --help
# make test   the tests; sets itself up in .venv, wants no root and no system package
# make test-pythons   the same under every other Python that is found here, of 3.11 to 3.14
# make test-gateways  Kannel, Jasmin and gammu-smsd before a whole smsgate; wants their Debian packages
# make faults ten minutes of kill -9, hanging stores and failing providers, and what came of it;
#             ARGS="--cluster --postgresql" for a Redis Cluster and PostgreSQL
# make lint   ruff, mypy, import-linter
# make release VERSION=0.3.0   checks, dates the changelog, builds and tries the wheel; pushes nothing
# make alerts   docs/alerts.yml, the rules for Prometheus, from monitoring/conditions.toml
# make docs   the documentation site, in build/docs; a broken link in it is an error
# make eval   scores on labelled texts; make train makes the weights of the intent model anew
#
# PYTHON=/path/to/python3.12 picks the interpreter, VENV=.venv-3.12 where its packages are put,
# ARGS="…" is handed to smsgate or pytest.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test test-pythons test-full test-gateways faults lint format bench alerts docs release eval train clean

VENV ?= .venv
BIN  := $(VENV)/bin
PIP  := $(BIN)/python -m pip --disable-pip-version-check --quiet
ARGS ?=

# Whether an interpreter can make an environment, and there is a Redis for it: 3.11 to 3.13 have one
# in a wheel, newer ones want a redis-server on PATH.
FITS := import shutil, sys, ensurepip, venv; v = sys.version_info; \
  sys.exit(not ((3, 11) <= v < (3, 14) or v >= (3, 14) and shutil.which("redis-server")))

# Nothing else is taken in place of the interpreter that somebody asks for.
ifneq ($(PYTHON),)
ifneq ($(shell "$(PYTHON)" -c '$(FITS)' 2>/dev/null && echo fits),fits)
$(error PYTHON=$(PYTHON) cannot be used: give the path of a Python 3.11 to 3.13, or of a newer one where a redis-server is on PATH)
endif
ifneq ($(shell "$(PYTHON)" -V),$(shell [ -x $(BIN)/python ] && $(BIN)/python -V || "$(PYTHON)" -V))
$(error $(VENV) has $(shell $(BIN)/python -V): remove it, or name another place, such as VENV=$(VENV)-2)
endif
endif

help:
	@sed -n 's/^# \{0,1\}//p;/^$$/q' Makefile

run: $(VENV)/.run
	@exec $(BIN)/smsgate dev $(ARGS)

# What pytest makes of the tests is kept: it takes a tenth of a run. Coverage is counted by
# `make test-full`, which has all tests: counting it here would take a quarter of a run.
# Three processes for two cores: a test waits for a third of its time, for processes and Redis.
test: $(VENV)/.test
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist worksteal -m "not full and not gateways" --hypothesis-profile quick $(ARGS)

# Each in a .venv-3.x of its own. Where there is none of a version, it is left out and said.
test-pythons: $(VENV)/.test
	@mine=$$($(BIN)/python -c 'import sys; print("3.%d" % sys.version_info[1])'); \
	for version in 3.11 3.12 3.13 3.14; do \
	  [ $$version != $$mine ] || continue; \
	  for python in python$$version "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/$$version.*/bin/python none; do \
	    "$$python" -c '$(FITS)' 2>/dev/null && break; \
	  done; \
	  [ "$$python" != none ] || { echo "Python $$version: not tested, none is here that smsgate can use"; continue; }; \
	  $(MAKE) --no-print-directory PYTHON="$$python" VENV=.venv-$$version .venv-$$version/.test || exit; \
	  echo "Python $$version:"; \
	  .venv-$$version/bin/python -m pytest -n 3 --dist worksteal -m "not full and not gateways" --hypothesis-profile quick $(ARGS) || exit; \
	done

test-full: $(VENV)/.full
	PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 3 --dist worksteal -m "not gateways" --hypothesis-profile full --cov --cov-report=term $(ARGS)

# Debian: kannel kannel-extras gammu gammu-smsd curl rabbitmq-server. Jasmin comes from the package
# index, into an environment of its own: it wants older libraries than we do, and Python 3.11 or 3.12.
# The three run side by side; Kannel's takes seven minutes, since smsgate is away for five of them.
test-gateways: $(VENV)/.test .venv-jasmin/.made
	$(BIN)/python -m pytest -n 3 --dist loadfile -m gateways tests/gateways $(ARGS)

.venv-jasmin/.made:
	@for python in python3.11 python3.12 "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.11.*/bin/python "$${PYENV_ROOT:-$$HOME/.pyenv}"/versions/3.12.*/bin/python; do \
	  "$$python" -c "import ensurepip, venv" 2>/dev/null || continue; \
	  "$$python" -m venv --clear .venv-jasmin && \
	  .venv-jasmin/bin/python -m pip --disable-pip-version-check --quiet install jasmin==0.11.1 && touch $@ && exit; \
	done; [ -e $@ ] || echo "Jasmin is not tested: no Python 3.11 or 3.12 was found."

faults: $(VENV)/.full
	$(BIN)/python -m tests.faults --seconds 600 $(ARGS)

lint: $(VENV)/.lint
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.lint
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

alerts: $(VENV)/.run
	@$(BIN)/python -c 'from smsgate.monitoring.conditions import prometheus_rules as rules; print(rules(), end="")' > docs/alerts.yml

docs: $(VENV)/.docs
	@rm -rf build/docs
	$(BIN)/python -m sphinx --fail-on-warning --quiet --doctree-dir build/docs-parsed --fresh-env docs build/docs $(ARGS)
	@echo "The documentation is in build/docs: open build/docs/index.html"

# Wants a tree that .ci/run has passed. What it made is a commit, dist/, and the text of a tag.
release: $(VENV)/.full
	$(BIN)/python .ci/release.py "$(VERSION)"

bench: $(VENV)/.bench
	$(BIN)/python -m bench $(ARGS)

eval: $(VENV)/.test
	$(BIN)/python -m tests.accuracy.evaluate $(ARGS)

train: $(VENV)/.train
	$(BIN)/python -m tests.accuracy.training $(ARGS)

clean:
	rm -rf $(VENV) .venv-3.* build dist .coverage .mypy_cache .pytest_cache .ruff_cache .import_linter_cache

# --- the virtual environment: one stamp per set of extras, so that a second call is instant ---

$(VENV)/.run: pyproject.toml config/constraints.txt | $(VENV)/.python
	$(PIP) install -c config/constraints.txt -e '.[dev]'
	@touch $@

$(VENV)/.test: pyproject.toml config/constraints.txt | $(VENV)/.python
	$(PIP) install -c config/constraints.txt -e '.[dev,test]'
	@touch $@ $(VENV)/.run

$(VENV)/.full: pyproject.toml config/constraints.txt | $(VENV)/.python
	$(PIP) install -c config/constraints.txt -e '.[dev,test,full]'
	@touch $@ $(VENV)/.test $(VENV)/.run

$(VENV)/.lint: pyproject.toml config/constraints.txt | $(VENV)/.python
	$(PIP) install -c config/constraints.txt -e '.[dev,test,lint]'
	@touch $@ $(VENV)/.test $(VENV)/.run

$(VENV)/.bench: pyproject.toml config/constraints.txt | $(VENV)/.python
	$(PIP) install -c config/constraints.txt -e '.[dev,test,bench]'
	@touch $@ $(VENV)/.test $(VENV)/.run

$(VENV)/.docs: pyproject.toml config/constraints.txt | $(VENV)/.python
	$(PIP) install -c config/constraints.txt -e '.[dev,docs]'
	@touch $@ $(VENV)/.run

$(VENV)/.train: pyproject.toml config/constraints.txt | $(VENV)/.python
	$(PIP) install -c config/constraints.txt -e '.[dev,test,train]'
	@touch $@ $(VENV)/.test $(VENV)/.run

# The first interpreter that really runs and fits.
$(VENV)/.python:
	@for python in "$(BIN)/python" "$(PYTHON)" python3.13 python3.12 python3.11 python3 python; do \
	  [ -n "$$python" ] || continue; \
	  "$$python" -c '$(FITS)' 2>/dev/null || continue; \
	  [ "$$python" = "$(BIN)/python" ] && { touch $@; exit; }; \
	  echo "Setting up $(VENV) with $$("$$python" -V) …"; \
	  "$$python" -m venv --clear $(VENV) && touch $@; exit; \
	done; \
	echo "smsgate wants Python 3.11, 3.12 or 3.13 (with venv), and none was found on PATH." >&2; \
	echo "A newer Python does where a redis-server is on PATH. Another place: make run PYTHON=/path/to/python3.13" >&2; \
	exit 1
