# A fresh machine needs git, make and Python 3.11 or newer with pip; everything else comes from requirements/.
# With uv on the PATH the set-up takes seconds; `make setup UV=` insists on pip.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
UV ?= $(shell command -v uv)
BIN := .venv/bin
LOCKED := .venv/.locked
READY := .venv/.ready

.DEFAULT_GOAL := help
.PHONY: help setup demo up down test check protos bench lock

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(READY) ## the virtual environment with the locked requirements (a second time: nothing to do)

$(LOCKED): requirements/dev.txt
	@'$(PYTHON)' -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo 'Investiture needs Python 3.11 or newer; name it: make setup PYTHON=/path/to/python3.11' >&2; exit 1; }
	@echo 'installing the locked requirements into .venv (seconds with uv, about a minute with pip)'
ifneq ($(UV),)
	@test -x $(BIN)/python || '$(UV)' venv --quiet --python '$(PYTHON)' .venv
	@'$(UV)' pip install --quiet --python $(BIN)/python --require-hashes -r $<
else
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || '$(PYTHON)' -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
endif
	@touch $@

$(READY): $(LOCKED) pyproject.toml
ifneq ($(UV),)
	@'$(UV)' pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
else
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
endif
	@touch $@

demo: $(READY) ## five proposals travel the path on a stack of their own
	$(BIN)/investiture demo $(ARGS)

up: $(READY) ## start Temporal, the services and the worker here; Ctrl-C stops them
	$(BIN)/investiture up $(ARGS)

down: $(READY) ## stop what `make up` started elsewhere
	$(BIN)/investiture down $(ARGS)

# Thousands of small databases: in memory where 4 GB of it can be spared, else where files go.
test: export TMPDIR := $(or $(TMPDIR),$(shell df -Pk /dev/shm 2>/dev/null \
	| awk 'NR == 2 && $$4 > 4000000 { print "/dev/shm" }'),/tmp)
test: $(READY) ## every test; a part: make test ARGS=tests/unit
	$(BIN)/python -m pytest --numprocesses=auto --maxprocesses=4 --dist=loadfile --no-loadscope-reorder $(ARGS)

protos: $(READY) ## regenerate the Python of the protos
	$(BIN)/buf format --write --path protos/investiture protos
	$(BIN)/python protos/generate.py

bench: $(READY) ## measure against bare baselines; prints and writes JSON
	$(BIN)/python tests/bench/run.py $(ARGS)

lock: ## resolve pyproject.toml into requirements/ (needs uv); newer versions: make lock ARGS=--upgrade
	$(COMPILE) --output-file requirements/run.txt pyproject.toml
	$(COMPILE) --output-file requirements/dev.txt --group dev --constraints requirements/run.txt pyproject.toml

COMPILE = '$(or $(UV),uv)' pip compile --quiet --universal --python-version 3.11 \
	--generate-hashes --no-header --no-emit-index-url $(ARGS)

# Every check runs even when one fails, two at a time: mypy and pyright are the long ones.
CHECKS := check-mypy check-pyright check-format check-lint check-imports check-protos-lint \
	check-protos-format check-protos-python
.PHONY: $(CHECKS)

check: $(READY) ## format, lint, types, import contracts, protos, generated code
	@$(MAKE) --no-print-directory --keep-going --jobs=2 $(CHECKS)

# Prints one line with the seconds it took; on failure the whole output first.
define timed
@start=$$(date +%s); code=0; output=$$($(1) 2>&1) || code=$$?; \
if [ $$code -eq 0 ]; then verdict='ok    '; else verdict='FAILED'; printf '\n%s\n' "$$output"; fi; \
printf '%s %3d s  %s\n' "$$verdict" $$(($$(date +%s) - start)) '$(1)'; exit $$code
endef

check-mypy: $(READY)
	$(call timed,$(BIN)/mypy)
check-pyright: $(READY)
	$(call timed,$(BIN)/pyright)
check-format: $(READY)
	$(call timed,$(BIN)/ruff format --check .)
check-lint: $(READY)
	$(call timed,$(BIN)/ruff check .)
check-imports: $(READY)
	$(call timed,$(BIN)/lint-imports --no-logo)
check-protos-lint: $(READY)
	$(call timed,$(BIN)/buf lint protos)
check-protos-format: $(READY)
	$(call timed,$(BIN)/buf format --diff --exit-code --path protos/investiture protos)
check-protos-python: $(READY)
	$(call timed,$(BIN)/python protos/generate.py --check)
