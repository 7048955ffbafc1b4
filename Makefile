# Everything here installs what it needs into .venv by itself. `make` alone lists the targets.
PYTHON ?= python3
VENV ?= .venv
# Most tests wait most of the time, so there may be more workers than cores. The lessons measure what they show.
JOBS ?= 6
NOTEBOOK_JOBS ?= 2
LABFLAGS ?=
# LOCKFLAGS= keeps every version that still fits, and locks only what is new.
LOCKFLAGS ?= --upgrade
NOTEBOOKS ?=
BENCHFLAGS ?=

READY := $(VENV)/.ready
IN_VENV := . $(VENV)/bin/activate &&
PYTEST := $(IN_VENV) python -m pytest
# No worker takes many tests in advance; those that take longest begin (conftest.py).
TESTS := -n $(JOBS) --maxschedchunk 2 tests --ignore tests/browser
# The core: these are held to `mypy --strict`.
TYPED := $(wildcard $(addprefix course_lib/,conversation.py framing.py chat.py clients.py listening.py waker.py servers eventloop))

# Apart from the other tests, because all cells of a notebook belong to one kernel (loadfile).
# The cell's own limit is nbval's, which interrupts the kernel and names the cell; pytest's limit is only
# the net under it, and its 60 s would cut off a cell that is allowed 120 s.
NBVAL := $(PYTEST) -n $(NOTEBOOK_JOBS) notebooks --nbval --nbval-sanitize-with tests/nbval_sanitize.cfg \
	--nbval-cell-timeout 120 --timeout 200 --dist loadfile

.PHONY: help lab test test-all check format notebooks bench lock clean
.DELETE_ON_ERROR:

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

lab: $(READY)  ## the course in JupyterLab; pass it flags with LABFLAGS="--no-browser --port=8899"
	@# Trust shows the committed pictures at once. A home that cannot be written costs only that.
	@$(IN_VENV) jupyter trust notebooks/*.ipynb >/dev/null 2>&1 || true
	$(IN_VENV) JUPYTER_CONFIG_PATH="$(CURDIR)/jupyter$${JUPYTER_CONFIG_PATH:+:$$JUPYTER_CONFIG_PATH}" \
		jupyter lab $(LABFLAGS)

test: $(READY)  ## the tests and every notebook, a few minutes
	$(PYTEST) $(TESTS) -m "not slow"
	$(NBVAL)

test-all: $(READY)  ## the same with the slow ones: exercises solved in the notebooks, browser, CPython's tests
	$(PYTEST) $(TESTS)
	$(NBVAL)
	@# Apart, since each worker has a JupyterLab and a browser of its own.
	$(PYTEST) -n $(NOTEBOOK_JOBS) tests/browser

check: $(READY)  ## format, lint and types, notebooks included
	$(IN_VENV) ruff format --check .
	$(IN_VENV) ruff check .
	$(IN_VENV) mypy $(TYPED)

format: $(READY)  ## repair what `make check` can repair
	$(IN_VENV) ruff format .
	$(IN_VENV) ruff check --fix .

notebooks: $(READY)  ## execute the notebooks in place; some of them with NOTEBOOKS="03 fast_track"
	$(IN_VENV) python tools/notebooks.py $(NOTEBOOKS)

bench: $(VENV)/.bench  ## the servers beside asyncio, uvloop, C and others; BENCHFLAGS="--connections 100 selectors"
	@# The C server needs Linux and a compiler; without it the others are measured all the same.
	@set --; mkdir -p build; if cc -O2 -o build/epoll_echo tests/bench/epoll_echo.c 2>/dev/null; \
	then set -- --program 'C epoll=build/epoll_echo'; else echo 'the C server cannot be built here' >&2; fi; \
	$(IN_VENV) python -m course_lib bench --peers "$$@" $(BENCHFLAGS)

lock: $(VENV)/bin/uv  ## the newest versions of everything into requirements.lock
	$(VENV)/bin/uv pip compile --universal --python-version 3.11 --all-extras --no-annotate --no-header \
		--quiet $(LOCKFLAGS) pyproject.toml -o requirements.lock

clean:  ## remove .venv and everything that was made
	rm -rf $(VENV) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name .git -prune -o \( -name __pycache__ -o -name .ipynb_checkpoints \) -exec rm -rf {} +

$(READY): $(VENV)/bin/uv pyproject.toml requirements.lock
	@# uv does in seconds what takes pip a minute; pip is for networks whose mirror only pip knows.
	$(VENV)/bin/uv pip install --python $(VENV)/bin/python -c requirements.lock -e '.[test]' \
		|| $(VENV)/bin/python -m pip install -c requirements.lock -e '.[test]'
	@touch $@

$(VENV)/.bench: $(READY)
	$(VENV)/bin/uv pip install --python $(VENV)/bin/python -c requirements.lock -e '.[bench]' \
		|| $(VENV)/bin/python -m pip install -c requirements.lock -e '.[bench]'
	@touch $@

$(VENV)/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo 'Python 3.11 or newer is needed, $(PYTHON) is not: try make PYTHON=python3.12' >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -c requirements.lock uv
	@touch $@
