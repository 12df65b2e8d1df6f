# One command for everything; `make help` lists them. The environment is .venv, built when it is first needed.
# Values are given as in `make reproduce-table MEGC2019_ROOT=/data/megc2019 PROTOCOL=loso`.

# The Python that .venv is made with: the one it has, or python3 if it is new enough, or the newest that is.
PYTHON ?= $(shell for python in .venv/bin/python python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo "$$python" && exit; \
	done; echo python3)
BIN := .venv/bin
STAMP := .venv/.installed

# What to train and what to add to a command line: make train ARGS="--trainer.max_epochs 3", make test ARGS="-k maml".
CONFIG ?= configs/lightmannet.yaml
ARGS ?=
# Processes for the tests: one a core, at most TEST_WORKERS; each needs about 1 GB.
TEST_WORKERS ?= 8
# The table, a name in configs/tables: the real images where their folder is named, else the synthetic corpus. PROTOCOL is kfold or loso,
# FRESH=1 forgets the folds already done, WORKERS is the number of processes, WANDB=offline or online logs each run for W&B, too.
# ENGINE=batched trains the folds and seeds of a method together.
TABLE ?= $(if $(strip $(MEGC2019_ROOT)),megc2019,synthetic)
PROTOCOL ?=
FRESH ?=
WORKERS ?=
WANDB ?=
ENGINE ?=
WEIGHTS ?=
SWEEP ?= configs/sweeps/lightmannet.yaml
TRIALS ?=
ifneq ($(strip $(MEGC2019_ROOT)),)
export MEGC2019_ROOT
endif
ifneq ($(strip $(MACRO_MOTION_ROOT)),)
export MACRO_MOTION_ROOT
endif

# albumentations would ask the network for its newest version at each import.
export NO_ALBUMENTATIONS_UPDATE := 1

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: install
install: $(STAMP) ## Make the environment .venv (once; afterwards it only checks)
	@echo "ready; to activate the environment: . $(BIN)/activate"

# An environment knows its own path, so that of a copied checkout is made anew; so it is for another PYTHON=.
ifneq ($(shell head -n 1 $(STAMP) 2>/dev/null),$(CURDIR))
$(STAMP): always
endif
ifeq ($(origin PYTHON),command line)
$(STAMP): always
endif
.PHONY: always
always: ;

$(STAMP): pyproject.toml requirements.lock
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "error: Python 3.11 or newer is needed; '$(PYTHON)' is $$(command -v $(PYTHON) >/dev/null && $(PYTHON) --version 2>&1 || echo missing)." \
		"Name another: make install PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) tools/environment.py install

.PHONY: train
train: $(STAMP) ## Train CONFIG (default configs/lightmannet.yaml)
	$(BIN)/lightning fit --config $(CONFIG) $(ARGS)

.PHONY: test
test: $(STAMP) ## Run the tests, but for the slow ones and those for a GPU
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses $(TEST_WORKERS) $(ARGS)

.PHONY: test-slow
test-slow: $(STAMP) ## Run the slow tests
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses $(TEST_WORKERS) -m slow $(ARGS)

.PHONY: test-gpu
test-gpu: $(STAMP) ## Run the tests that need a CUDA device
	$(BIN)/python -m pytest -m gpu $(ARGS)

.PHONY: coverage
coverage: $(STAMP) ## Run the tests as `make test` does and list the lines that none of them runs
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses $(TEST_WORKERS) --cov=lightmannet --cov=data_modules \
		--cov-report=term-missing:skip-covered $(ARGS)

.PHONY: lint
lint: $(STAMP) ## Check style and types
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy

.PHONY: format
format: $(STAMP) ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

.PHONY: reproduce-table
reproduce-table: $(STAMP) ## Run TABLE and print it; MEGC2019_ROOT=DIR takes the real images, PROTOCOL=loso all subjects, ENGINE=batched all folds at once
	$(BIN)/lightmannet table configs/tables/$(TABLE).yaml $(if $(PROTOCOL),--protocol $(PROTOCOL)) \
		$(if $(filter-out 0,$(FRESH)),--fresh=true) $(if $(WORKERS),--workers $(WORKERS)) \
		$(if $(WANDB),--wandb $(WANDB)) $(if $(ENGINE),--engine $(ENGINE)) $(ARGS)

.PHONY: sweep
sweep: $(STAMP) ## Search for good options: SWEEP=configs/sweeps/NAME.yaml, without an account; TRIALS=N
	$(BIN)/lightmannet sweep $(SWEEP) $(if $(TRIALS),--trials $(TRIALS)) $(if $(filter-out 0,$(FRESH)),--fresh=true) $(ARGS)

.PHONY: check-release
check-release: $(STAMP) ## Check MEGC2019_ROOT=DIR and WEIGHTS=FILE against STSTNet's published figures
	@test -n "$(MEGC2019_ROOT)" && test -n "$(WEIGHTS)" || { echo "error: name the images and the released weights:" \
		"make check-release MEGC2019_ROOT=DIR WEIGHTS=FILE" >&2; exit 1; }
	$(BIN)/lightmannet check-release "$(WEIGHTS)" --root "$(MEGC2019_ROOT)" $(ARGS)

.PHONY: bundle
bundle: $(STAMP) ## Train on a few rendered faces and pack results/bundle, which answers for clips
	$(BIN)/lightning fit --config configs/lightmannet.yaml --config configs/data/small_synthetic.yaml \
		--data.init_args.evaluation.init_args.draws 4 --trainer.logger.init_args.save_dir=results/bundle-run $(ARGS)
	$(BIN)/lightmannet export "$$(ls -td results/bundle-run/lightning_logs/version_* | head -n 1)" results/bundle

.PHONY: demo
demo: $(STAMP) ## Open a page that answers for a clip, on this machine; the first time it trains results/bundle
	@test -f results/bundle/manifest.json || $(MAKE) bundle
	$(BIN)/lightmannet demo --model results/bundle $(ARGS)

.PHONY: bench
bench: $(STAMP) ## Time a meta-step beside a bare learn2learn loop, frames to inputs and clip to answer beside plain OpenCV
	$(BIN)/lightmannet bench $(ARGS)
	$(BIN)/lightmannet bench-data
	$(BIN)/lightmannet bench-answer

.PHONY: bench-gpu
bench-gpu: $(STAMP) ## Time meta-steps on a CUDA device by each engine; writes results/bench-gpu
	$(BIN)/lightmannet bench-gpu $(ARGS)

.PHONY: docs
docs: $(STAMP) ## Build the documentation, docs/_build/index.html; a warning is an error
	$(BIN)/python -m sphinx -q -W --keep-going -b html docs docs/_build $(ARGS)
	@echo "docs/_build/index.html"

.PHONY: lock
lock: $(STAMP) ## Renew requirements.lock; TORCH=VERSION moves torch as well
	@TORCH="$(TORCH)" $(BIN)/python tools/environment.py lock

.PHONY: clean
clean: ## Remove the environment, the caches and the build files; results and checkpoints stay
	rm -rf .venv build docs/_build docs/_made src/*.egg-info *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find src data_modules tests tools docs -name __pycache__ -type d -prune -exec rm -rf {} +
