# Everything is set up in .venv of this folder; nothing but Python (3.10 or newer), make and git is needed.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
PIP := $(BIN)/python -m pip --disable-pip-version-check
SOURCES := pyproject.toml $(shell git ls-files nnunet_skipstudy trainers dataset_conversion analysis 2>/dev/null)
EXAMPLES ?= 10000
FAST := $(addprefix tests/,texture metrics support architectures nnunet levels)
CODE := nnunet_skipstudy trainers dataset_conversion analysis tests benchmarks docs

.PHONY: demo test test-fuzz test-browser test-slurm test-docs test-lowest docs dist lint format benchmark clean

demo: $(VENV)/.package  ## the whole study on synthetic textures, on a CPU; ends in demo/analysis/report.html
	$(BIN)/skipstudy demo -o demo

test: lint  ## format, lint, types, import directions, dead code, then all tests, against the installed package
	$(BIN)/pytest --numprocesses auto --maxprocesses 4 --dist loadfile
	$(MAKE) test-lowest

# Old libraries warn of themselves, and SimpleITK 2.4 crashes where that is an error.
test-lowest: $(VENV)/.lowest  ## the fast tests against the lowest versions that pyproject.toml allows
	$(VENV)/lowest/$(notdir $(BIN))/python -I -m pytest -W ignore --numprocesses auto --dist loadfile $(FAST)

test-fuzz: $(VENV)/.package $(VENV)/.dev  ## spoilt inputs, EXAMPLES of each kind, on all cores; make test tries 25
	SKIPSTUDY_FUZZ_EXAMPLES=$(EXAMPLES) $(BIN)/pytest tests/fuzz --numprocesses auto --dist load

test-browser: $(VENV)/.package $(VENV)/.browser  ## the report in a headless Chromium: charts, slider, tables, printing
	$(BIN)/pytest tests/browser -m browser

test-slurm: $(VENV)/.package $(VENV)/.dev  ## a study killed, and on a Slurm of its own: root on a Debian; cleans up after itself
	$(BIN)/pytest -m slurm tests/slurm

docs: $(VENV)/.package $(VENV)/.docs demo/analysis/report.html  ## the site, its gallery run: docs/_build/html/index.html
	mkdir -p docs/_extra/demo
	cp demo/analysis/report.html docs/_extra/demo/
	cd docs && $(abspath $(BIN))/sphinx-build --fail-on-warning --keep-going --quiet -b html . _build/html

test-docs: docs $(VENV)/.browser  ## every page of the site in a headless Chromium: links, pictures, console, width, search
	$(BIN)/pytest tests/browser -m docs

demo/analysis/report.html: | $(VENV)/.package
	$(BIN)/skipstudy demo -o demo

# Types and imports are checked in the installed package, where the four top-level folders are one; from the root
# Python would find its unmapped half first.
lint: $(VENV)/.package $(VENV)/.dev
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	cd $(VENV) && $(abspath $(BIN))/mypy --config-file $(CURDIR)/pyproject.toml
	cd $(VENV) && $(abspath $(BIN))/mypy --config-file $(CURDIR)/pyproject.toml $(CURDIR)/tests/helpers $(CURDIR)/benchmarks
	cd $(VENV) && $(abspath $(BIN))/lint-imports --no-cache --config $(CURDIR)/pyproject.toml
	$(BIN)/vulture

docs/columns.md: analysis/measuring/dictionary.csv analysis/measuring/dictionary.py nnunet_skipstudy/registry.py $(VENV)/.package  ## what each column of the tables is
	cd $(VENV) && $(abspath $(BIN))/python -m nnunet_skipstudy.analysis.measuring.dictionary > $(CURDIR)/$@

dist: $(VENV)/.dependencies  ## sdist and wheel in dist/, checked as PyPI would
	$(PIP) install --quiet '.[release]'
	rm -rf build dist
	$(BIN)/python -m build --outdir dist .
	$(BIN)/twine check --strict dist/*
	rm -rf build

format: $(VENV)/.dev
	$(BIN)/ruff format $(CODE)
	$(BIN)/ruff check --fix $(CODE)

benchmark: $(VENV)/.package $(VENV)/.bench  ## us against the peers, ratios printed
	for script in benchmarks/*.py; do $(BIN)/python $$script || exit 1; done

# The package is installed as a user would, as a wheel: a build folder left by an earlier one would add old files to it.
$(VENV)/.package: $(VENV)/.dependencies $(SOURCES)
	rm -rf build
	$(PIP) install --quiet --no-deps --force-reinstall .
	rm -rf build
	@touch $@

$(VENV)/.dependencies: pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10) and "Python 3.10 or newer is needed: make PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing nnU-Net, torch and the other dependencies into $(VENV): a few minutes, several GB."
	$(PIP) install --quiet .
	rm -rf build
	@touch $@

$(VENV)/.dev: $(VENV)/.dependencies
	$(PIP) install --quiet '.[dev,slurm]'
	rm -rf build
	@touch $@

# Debian's Chromium, where there is none; Playwright drives it, so its own browsers are not downloaded.
$(VENV)/.browser: $(VENV)/.dev
	test -x /usr/bin/chromium || { $(SUDO) apt-get update && $(SUDO) apt-get install --yes --no-install-recommends chromium; }
	$(PIP) install --quiet '.[browser]'
	rm -rf build
	@touch $@

# The lowest versions lie over the environment's own, which has what they don't: torch, nnU-Net's further needs, pytest.
$(VENV)/.lowest: $(VENV)/.package $(VENV)/.dev tests/lowest.py
	rm -rf $(VENV)/lowest
	$(PYTHON) -m venv --without-pip $(VENV)/lowest
	for which in own nnunet; do $(BIN)/python tests/lowest.py $$which > $(VENV)/lowest/$$which.txt; done
	$(PIP) --python $(VENV)/lowest install --quiet -r $(VENV)/lowest/own.txt
	$(PIP) --python $(VENV)/lowest install --quiet --no-deps -r $(VENV)/lowest/nnunet.txt .
	rm -rf build
	$(BIN)/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])' > \
	  "$$($(VENV)/lowest/$(notdir $(BIN))/python -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')/zz_rest.pth"
	@touch $@

$(VENV)/.docs: $(VENV)/.dependencies
	$(PIP) install --quiet '.[docs]'
	rm -rf build
	@touch $@

$(VENV)/.bench: $(VENV)/.dependencies
	$(PIP) install --quiet '.[bench]'
	rm -rf build
	@touch $@

clean:  ## remove what make, the demo and the tests made
	rm -rf $(VENV) build dist demo docs/_build docs/_extra docs/auto_gallery docs/made_pages *.egg-info .pytest_cache .mypy_cache .ruff_cache
