# Every target makes its own environment when there is none. Needs Python 3.11 or newer, nothing else.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: install check format test demo soak clean

install: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python tests/benchmarks/readme_tables.py --check
	$(BIN)/python tests/docs/reference_pages.py --check

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

test: $(STAMP)
	HF_HUB_OFFLINE=1 $(BIN)/python -m pytest

demo: $(STAMP)
	$(BIN)/raftsmith demo

soak: $(STAMP)
	HF_HUB_OFFLINE=1 $(BIN)/python tests/soak/soak_crash.py --kills 200 --json tests/soak/results/crash.json
	HF_HUB_OFFLINE=1 $(BIN)/python tests/soak/soak_ids.py --json tests/soak/results/ids.json
	HF_HUB_OFFLINE=1 $(BIN)/python tests/soak/soak_corruption.py --json tests/soak/results/corruption.json
	HF_HUB_OFFLINE=1 $(BIN)/python tests/soak/soak_snapshots.py --json tests/soak/results/snapshots.json
	HF_HUB_OFFLINE=1 $(BIN)/python tests/soak/soak_rights.py --pairs 10000 --json tests/soak/results/rights.json
	HF_HUB_OFFLINE=1 $(BIN)/python tests/soak/soak_disk.py --every 1 --json tests/soak/results/disk.json

clean:
	rm -rf $(VENV) build *.egg-info demo-workspace
