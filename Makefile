# make install | demo | test | test-slow | test-all | coverage | faults | bench | lint | docs | wheels |
#      lock | clean
#
# Every target does the set-up it needs itself. PYTHON is any Python from 3.11 on.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

# The lock names every package, so pip has nothing to resolve. xsar's metadata asks for `gdal`,
# which it never imports and which has no wheel: --no-deps leaves it out.
PIP    := $(BIN)/python -m pip install --quiet --no-deps --disable-pip-version-check

DISTRIBUTIONS := . demo_scenes plugins/snakemake-executor-plugin-pbs \
    plugins/snakemake-logger-plugin-progress

# One by one, for their tests and tools are no part of what is checked.
TYPED := src demo_scenes/src plugins/snakemake-logger-plugin-progress/src \
    plugins/snakemake-executor-plugin-pbs/src

.PHONY: install install-dev install-here demo test test-slow test-all coverage faults bench lint docs \
    wheels lock clean

install: $(VENV)/installed

install-dev: $(VENV)/installed-dev

$(VENV)/installed: requirements.lock $(DISTRIBUTIONS:%=%/pyproject.toml)
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed; this is " + sys.version.split()[0] + ". Write: make install PYTHON=python3.11")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -r requirements.lock
	$(PIP) --no-build-isolation $(addprefix -e ,$(DISTRIBUTIONS))
	touch $@

$(VENV)/installed-dev: $(VENV)/installed requirements-dev.lock
	$(PIP) -r requirements-dev.lock
	touch $@

# Into the Python that is there, for example a conda environment made from environment.yml.
install-here:
	python -m pip install --no-deps --no-build-isolation $(addprefix -e ,$(DISTRIBUTIONS))

# Three scenes, one of them broken: products, the failure named, then a second run that does only
# what is left.
demo: install
	PATH="$(CURDIR)/$(BIN):$$PATH" workflow/scripts/demo.sh demo

test: install-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not full_size and not faults and not slow"

test-slow: install-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "slow and not full_size and not faults"

test-all: test test-slow

# Each job is measured too.
coverage: install-dev
	$(BIN)/python -m pytest -n 2 --dist worksteal -m "not full_size and not faults" \
	    --cov --cov-report=term-missing:skip-covered

faults: install-dev
	$(BIN)/python -m pytest -m faults

bench: install-dev
	$(BIN)/python -m benchmarks
	$(BIN)/python -m pytest -m full_size

lint: install-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/snakefmt --check Snakefile
	$(BIN)/lint-imports --no-cache
	for source in $(TYPED); do $(BIN)/mypy $$source || exit 1; done
	# One environment serves all rules, so a conda environment a rule is not wanted.
	$(BIN)/snakemake --lint --config safes=tests output_dir=demo/products > .lint 2>&1; \
	    grep -E '^Lints for|Congratulations' .lint > /dev/null || { cat .lint; exit 1; }
	! grep '^    \*' .lint | grep -v 'Specify a conda environment'
	rm .lint

# Into site/. Broken links and documents missing from mkdocs.yml are errors; --quiet would hide them.
docs: install-dev
	$(BIN)/mkdocs build --strict

# Into dist/. Each of the three that stand alone is installed into an empty environment, where its
# tests must pass: 15 minutes, and the internet.
wheels: install-dev
	.ci/wheels

# The newest versions that fit together (needs uv and the internet).
LOCK := uv pip compile --quiet --python-version 3.11 --no-emit-package gdal --no-annotate --no-header
lock:
	$(LOCK) pyproject.toml -o requirements.lock --upgrade
	$(LOCK) pyproject.toml --extra dev --extra notebook -c requirements.lock -o requirements-all.lock
	grep -vxFf requirements.lock requirements-all.lock > requirements-dev.lock
	rm requirements-all.lock

clean:
	rm -rf $(VENV) demo site dist .mypy_cache .pytest_cache .ruff_cache
