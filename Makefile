# Two commands matter: `make run` serves, `make test` tests. Each sets up what it needs on a new clone
# with Python 3.11 and nothing else, and costs seconds the second time.

PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

# pip's links serve uv too, which does not read them by itself.
export UV_FIND_LINKS ?= $(PIP_FIND_LINKS)
# sam2 compiles a CUDA extension that nothing here uses.
export SAM2_BUILD_CUDA := 0

# Everything heavy only where it pays: beside a card, for a fine-tuned detector, or on demand.
ifneq ($(strip $(FULL)$(DETECTOR_WEIGHTS)$(shell nvidia-smi -L 2>/dev/null)),)
RUN_EXTRAS := models,sam3,serverless
else
RUN_EXTRAS := $(if $(filter true 1,$(RUNPOD_SERVERLESS))$(RUNPOD_WEBHOOK_GET_JOB),serverless,base)
RUN_NOTE := No NVIDIA card and no DETECTOR_WEIGHTS: the light install, with the embedded crack finder. \
	FULL=1 installs RF-DETR and SAM.
endif
ALL_EXTRAS := models,sam3,serverless,dev

# A third of the tests' time is waiting for processes: half as many workers again as there are cores.
WORKERS ?= $(shell expr \( $$(getconf _NPROCESSORS_ONLN) \* 3 + 1 \) / 2)

.PHONY: help run test browser check gpu-test train install install-all clean

help: ## List these targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 14

run: install ## Install what this machine can use, and serve on API_PORT (8000)
	$(if $(RUN_NOTE),@echo "$(RUN_NOTE)")
	@exec $(BIN)/python entrypoint.py

# One thread for each of the tests' processes: torch and OpenCV would otherwise fight over the cores.
test gpu-test: export OMP_NUM_THREADS ?= 1
test: install-all browser ## Install everything and run the tests
	$(BIN)/pytest -n $(WORKERS) --dist loadgroup $(PYTEST)

# The page's tests drive a real browser, and are skipped with a reason where there is none.
browser: ## Install Debian's Chromium, where there is no Chromium or Chrome
	@for each in chromium chromium-browser google-chrome; do command -v $$each >/dev/null && exit 0; done; \
	if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		echo "Installing Chromium for the page's tests"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends chromium >/dev/null; \
	fi; \
	command -v chromium >/dev/null || echo "No Chromium: the page's tests are skipped. Install it (apt-get install chromium) to run them."

check: install-all ## Lint, types and import rules
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

gpu-test: install-all ## Run the tests that need an NVIDIA card
	$(BIN)/pytest -m gpu -ra $(PYTEST)

train: install-all ## Train the embedded crack finder from its seed, on the CPU; resumes where it stopped
	$(BIN)/python -m training.train $(TRAIN)

install: $(VENV)/.installed-$(RUN_EXTRAS)
install-all: $(VENV)/.installed-$(ALL_EXTRAS)

clean: ## Remove the environment and every cache
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(BIN)/uv:
	@echo "Setting up $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv

# One stamp per set of extras: the light install does not pass for the whole one.
$(VENV)/.installed-%: pyproject.toml constraints.txt | $(BIN)/uv
	@echo "Installing: $*"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python \
		--constraint constraints.txt --build-constraint constraints.txt \
		--editable '.$(if $(filter base,$*),,[$*])'
	@touch $@
