# Everything runs in .venv, which is made on first use. Needs Python 3.11 or newer and make.
PYTHON ?= python3
ifeq ($(OS),Windows_NT)
BIN := .venv/Scripts
else
BIN := .venv/bin
endif
READY := .venv/.ready

.PHONY: demo test check bench clean

demo: $(READY)          ## the whole job, in the sandbox
	$(BIN)/vipcast demo

test: $(READY)          ## all tests
	$(BIN)/python -m pytest -n auto

check: $(READY)         ## style, types, and that the wheel carries the sample shop
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python tools/check_wheel.py

bench: $(READY)         ## speed and memory, as ratios to the bare libraries
	$(BIN)/python -m benchmarks

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'vipcast needs Python 3.11 or newer; say: make PYTHON=python3.12')"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[dev]"
	$(BIN)/python -c "open('$(READY)', 'w').close()"

clean:
	rm -rf .venv build dist
