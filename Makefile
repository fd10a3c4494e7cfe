# Every target makes what it needs: a virtual environment in .venv, with the versions of constraints.txt.
# Python 3.11 or newer, make and git are all that has to be there. PIP_* settings of yours hold.

IS_NEW_ENOUGH := -c 'import sys; sys.exit(sys.version_info < (3, 11))'
PYTHON ?= $(shell for python in python3 python3.11 python3.12 python3.13 python3.14; do \
  $$python $(IS_NEW_ENOUGH) 2>/dev/null && echo $$python && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP_INSTALL := $(BIN)/python -m pip install --quiet --prefer-binary --disable-pip-version-check -c constraints.txt
OUT ?= out/demo
JOBS ?= 20000
PETS ?= 500

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo camera-roll test chaos eval notebooks check format clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## /{ printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# pip comes last into an environment: where it is, the environment is whole.
$(BIN)/pip:
	@test -n "$(PYTHON)" && $(PYTHON) $(IS_NEW_ENOUGH) || { \
	  echo "expected Python 3.11 or newer, found none; try make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Making $(VENV) ..."
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.package: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing the package into $(VENV) ..."
	@$(PIP_INSTALL) -e .
	@touch $@

# alibi and imgaug are archives of pictures to us, so they come without their dependencies and out of the way.
# alibi 0.9.4 is the last version under the Apache licence.
$(VENV)/.demo: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing the package and the demo's pictures into $(VENV) ..."
	@$(PIP_INSTALL) -e '.[demo,service]'
	@$(PIP_INSTALL) --no-deps --no-compile --upgrade --target $(VENV)/pictures alibi imgaug
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing the package and the development tools into $(VENV) ..."
	@$(PIP_INSTALL) -e '.[demo,evaluation,service,dev]'
	@touch $@

$(VENV)/.notebooks: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing the package and what runs notebooks into $(VENV) ..."
	@$(PIP_INSTALL) -e '.[notebooks]'
	@touch $@

$(VENV)/.emulators: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing the package, an object store and MLflow to test against into $(VENV) ..."
	@$(PIP_INSTALL) -e '.[s3,mlflow,emulators]'
	@touch $@

$(VENV)/.ray: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing the package and Ray into $(VENV) ..."
	@$(PIP_INSTALL) -e '.[service,ray]'
	@touch $@

ifdef PHOTOS
demo: $(VENV)/.package
	$(BIN)/sploot-clustering cluster "$(PHOTOS)" --out "$(OUT)"
else
demo: camera-roll ## Run the service for a simulated camera roll; PHOTOS=dir clusters yours, OUT=dir says where to
	$(BIN)/sploot-clustering demo out/camera-roll --out "$(OUT)"
endif

camera-roll: $(VENV)/.demo ## Write the simulated camera roll alone, into out/camera-roll
	$(BIN)/python -m sploot_media_clustering.demo out/camera-roll --pictures $(VENV)/pictures

test: $(VENV)/.dev ## Run the tests that take minutes at most
	HYPOTHESIS_PROFILE=ci $(BIN)/pytest -m 'not slow' --numprocesses auto --maxprocesses 4 --dist worksteal

chaos: $(VENV)/.dev ## Kill workers and the store, cut the network, and see that nothing is lost or doubled
	OMP_NUM_THREADS=1 PYTHONPATH=tests $(BIN)/python -m chaos --jobs $(JOBS) --pets $(PETS)

eval: $(VENV)/.dev ## Measure everything on the labelled photos in SPLOOT_DATA=dir, write a report, pass the gate
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/sploot-clustering eval all --workers 2 \
	  --without dog_heads --without street_dogs --out out/evaluation --baseline baselines/labelled.json

notebooks: $(VENV)/.notebooks ## Run the notebooks on the labelled photos in SPLOOT_DATA=dir; nothing is written
	SPLOOT_DATA="$(abspath $(SPLOOT_DATA))" $(BIN)/jupyter-execute --timeout=900 notebooks/*.ipynb

check: $(VENV)/.dev ## Lint, formatting, types and the direction of imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(VENV)/.dev ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean: ## Remove the environment, the caches and the output
	rm -rf $(VENV) out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
