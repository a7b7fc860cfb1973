# Two commands do everything on a machine with git, make and python3 (pip, venv): `make repro` and `make test`.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: help repro test test-fast test-slow lint setup browser iqa lock clean

help:  ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

repro: $(READY)  ## set up, then run the pipeline of the profile in force (params.yaml; lite unless you switched)
	dvc repro

test: lint test-fast test-slow  ## set up, then lint and run all tests

test-fast: $(READY)  ## the tests that take seconds each, one process a core
	OMP_NUM_THREADS=1 pytest -q -m "not slow" -n auto --maxprocesses 4

test-slow: $(READY)  ## the tests that take minutes or download weights; the lite pipeline is one of them
	pytest -q -m slow

lint: $(READY)  ## ruff, mypy and the import rules
	ruff check .
	ruff format --check .
	mypy
	lint-imports

setup: $(READY)  ## only set up .venv from the committed lock

# Every version and every file's hash stands in the lock; pip refuses anything else.
$(READY): requirements/lock.txt pyproject.toml
	@echo "Setting up $(VENV) from requirements/lock.txt (once; about 2.5 GB to download, 5 GB on disk) ..."
	$(PYTHON) -c 'import sys; sys.exit(None if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements/lock.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/semsr use
	@touch $@

# Playwright is in the lock, a browser is not: Debian's or Ubuntu's own is used, or any Chromium that is there or that SEMSR_CHROMIUM names.
browser:  ## install Chromium with apt-get if there is none, for the tests of the leaderboard
	@for name in "$$SEMSR_CHROMIUM" chromium chromium-browser google-chrome google-chrome-stable chrome; do \
	  if command -v "$$name" >/dev/null; then echo "A browser is there already: $$name"; exit 0; fi; \
	done; \
	if ! command -v apt-get >/dev/null; then \
	  echo "No apt-get here: install Chromium by hand, or set SEMSR_CHROMIUM to one." >&2; exit 1; \
	elif [ "$$(id -u)" -ne 0 ]; then \
	  echo "This needs root: sudo apt-get update && sudo apt-get install --no-install-recommends chromium" >&2; exit 1; \
	else \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null; \
	fi

iqa: $(READY)  ## add the learned metrics (MUSIQ, MANIQA, CLIP-IQA, FID, KID) through pyiqa; its licence is non-commercial
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --no-deps --require-hashes -r requirements/lock-iqa.txt

lock:  ## after changing pyproject.toml: write requirements/lock.txt anew (needs uv)
	uv pip compile pyproject.toml --extra dev --python-version 3.11 --generate-hashes --quiet --output-file requirements/lock.txt
	uv pip compile pyproject.toml --extra iqa --extra spandrel-nc --python-version 3.11 --generate-hashes --quiet \
	  --constraint requirements/lock.txt --output-file requirements/lock-iqa.txt

clean:  ## remove the environment and everything the pipeline made (downloads stay in ~/.cache/semsr)
	rm -rf $(VENV) data results
