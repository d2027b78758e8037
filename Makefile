# `make` shows what there is. Needs Python 3.11 or newer and git; everything else goes into .venv.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

VENV := .venv
RUN := $(VENV)/bin/python
# The first Python that is new enough; `make up PYTHON=/path/to/python3.12` chooses another.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && exit; done; echo python3)
# Tests of the whole stack wait more than they compute, so there are more workers than two cores; 0 runs everything in one process.
WORKERS ?= 4
# Bytecode is written, whatever the environment says: every worker and every process of a stack reads the same modules.
PYTEST = PYTHONDONTWRITEBYTECODE= $(RUN) -m pytest -n $(WORKERS) --no-loadscope-reorder
LOCKED := edge firewall rules router provider-worker recorder bootstrap sandbox runtime

##@ Run

.PHONY: up
up: $(VENV)/.runtime ## Start everything; Ctrl-C drains it. DETACH=1 leaves it running, SCALE="edge=2" starts more
	@$(RUN) -m compileall -q libs services
	@exec $(RUN) -m services.supervisor up $(if $(filter-out 0,$(DETACH)),--detach)

.PHONY: down
down: $(VENV)/.runtime ## Stop what runs for TOKENROUTER_HOME, and wait until it is gone
	@exec $(RUN) -m services.supervisor down

.PHONY: status
status: $(VENV)/.runtime ## Say what runs
	@$(RUN) -m services.supervisor status || test $$? -eq 3

.PHONY: logs
logs: $(VENV)/.runtime ## Follow the logs of all services
	@exec $(RUN) -m services.supervisor logs

# The query goes through the environment as it was typed: neither make nor the shell may read its quotes and dollars.
.PHONY: sql
sql: override export Q := $(value Q)
sql: $(VENV)/.runtime ## Query the ledger of what runs: make sql Q="SELECT count() FROM requests"
	@exec $(RUN) -m services.supervisor env $(RUN) -m services.recorder.sql "$${Q:?make sql needs a query: make sql Q=\"SELECT ...\"}"

.PHONY: learn
learn: $(VENV)/.runtime ## Show what feedback says of models: make learn WORKSPACE=default; APPLY=1 puts it in force, DROP=1 takes it back
	@$(RUN) -m services.supervisor env $(RUN) -m services.recorder.learn_cli $(or $(WORKSPACE),default) \
		$(if $(filter-out 0,$(APPLY)),--apply) $(if $(filter-out 0,$(DROP)),--drop)

.PHONY: prices
prices: $(VENV)/.runtime ## Put the newest published price list into force: make prices [ARGS="--file data.json"]; --help says more
	@exec $(RUN) -m services.supervisor env $(RUN) -m services.bootstrap.prices $(ARGS)

# docker compose has no place of its own to remember passwords in.
.PHONY: env
env: ## Write .env for docker compose, with random passwords
	@test ! -e .env || { echo ".env is there already; .env.example names what docker compose needs in it"; exit 1; }
	@umask 077; while IFS= read -r line; do case "$$line" in \
		"#NATS_PASSWORD_"*|"#CLICKHOUSE_PASSWORD="*) echo "$${line#\#}n$$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')";; \
		*) echo "$$line";; esac; done < .env.example > .env
	@echo "wrote .env; add provider keys to it, then: docker compose up --build"

##@ Develop

.PHONY: install
install: $(VENV)/.dev ## Everything for development, in .venv

.PHONY: test
test: $(VENV)/.dev ## All tests
	@$(PYTEST) tests

.PHONY: test-unit
test-unit: $(VENV)/.dev ## Tests of single parts, in seconds
	@$(PYTEST) tests/unit

.PHONY: test-integration
test-integration: $(VENV)/.dev ## Tests on a real nats-server and chDB
	@$(PYTEST) tests/integration

.PHONY: test-e2e
test-e2e: $(VENV)/.dev ## Tests of the whole stack
	@$(PYTEST) tests/e2e

.PHONY: bench
bench: $(VENV)/.dev ## What translation, decisions and the firewall cost, how good choices are, then latency and throughput of the whole stack
	@$(RUN) -m tests.bench.translation
	@$(RUN) -m tests.bench.decision
	@$(RUN) -m tests.bench.firewall
	@$(RUN) -m tests.bench.simulation
	@exec $(RUN) -m tests.bench

.PHONY: simulate
simulate: $(VENV)/.dev ## How good the router's choices are, in a simulated day of drifting and failing providers
	@exec $(RUN) -m tests.bench.simulation

.PHONY: train-routing
train-routing: $(VENV)/.dev ## Fit the classifier's model file to recorded outcomes: make train-routing DATA=../shared/routing
	@$(RUN) -m libs.classifier.training "$(or $(DATA),$(error DATA is not set: make train-routing DATA=../shared/routing))"

.PHONY: eval-routing
eval-routing: $(VENV)/.dev ## Write predictions for the routing benchmark: make eval-routing DATA=folder SPLIT=heldout OUT=file; dev is cross-fitted
	@$(RUN) -m tests.evaluation "$(or $(DATA),$(error DATA is not set: make eval-routing DATA=../shared/routing SPLIT=dev OUT=predictions.jsonl))" \
		"$(or $(SPLIT),heldout)" "$(or $(OUT),$(error OUT is not set: the file to write))"

.PHONY: eval-firewall
eval-firewall: $(VENV)/.dev ## What the default detectors find and mask: make eval-firewall DATA=../shared/firewall/dev.jsonl OUT=file; VERBOSE=1 says more
	@$(RUN) -m tests.evaluation.firewall "$(or $(DATA),$(error DATA is not set: make eval-firewall DATA=../shared/firewall/dev.jsonl OUT=found.jsonl))" \
		"$(or $(OUT),$(error OUT is not set: the file to write))" $(if $(filter-out 0,$(VERBOSE)),--types)

.PHONY: eval-firewall-streams
eval-firewall-streams: $(VENV)/.dev ## The texts of a data set as answers, cut at every boundary: make eval-firewall-streams DATA=../shared/firewall/dev.jsonl
	@$(RUN) -m tests.evaluation.firewall_streams "$(or $(DATA),$(error DATA is not set: make eval-firewall-streams DATA=../shared/firewall/dev.jsonl))" $(ARGS)

.PHONY: check
check: lint types test ## All that has to pass before a commit

.PHONY: lint
lint: $(VENV)/.dev ## Style and likely mistakes
	@$(RUN) -m ruff check .

.PHONY: types
types: $(VENV)/.dev ## Types
	@$(RUN) -m mypy

.PHONY: docs
docs: $(VENV)/.dev ## Write the generated parts of the documentation
	@exec $(RUN) -m docs

.PHONY: lock
lock: ## Compile pyproject.toml's groups into requirements/, with hashes and one version of each package; needs uv
	@command -v uv >/dev/null || { echo "make lock needs uv: https://docs.astral.sh/uv/"; exit 1; }
	@compile() { uv pip compile -q --group "$$1" --universal -p 3.11 --generate-hashes --no-emit-index-url --no-header \
		$${2:+-c "$$2"} -o "requirements/$$1.txt" >/dev/null; echo "requirements/$$1.txt"; }; \
	compile dev; for group in $(LOCKED); do compile "$$group" requirements/dev.txt; done; \
	for file in requirements/clients/*.txt; do client="$$(basename "$$file" .txt)"; echo "$${client%-*}==$${client##*-}" \
		| uv pip compile -q - --universal -p 3.11 --generate-hashes --no-emit-index-url --no-header -o "$$file" >/dev/null; echo "$$file"; done

.PHONY: image
image: ## Build a service's image: make image SERVICE=edge
	@docker build -f deploy/Dockerfile --build-arg SERVICE="$(or $(SERVICE),$(error SERVICE is not set: make image SERVICE=edge))" \
		-t "tokenrouter-$(SERVICE)" .

.PHONY: clean
clean: ## Remove .venv and caches; the state in TOKENROUTER_HOME stays
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache

.PHONY: help
help: ## This page
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@ / { printf "\n%s\n", substr($$0, 5) } \
		/^[a-z0-9-]+:.*## / { printf "  %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# A stamp is as new as the lock file it was installed from, so that later runs install nothing.
$(VENV)/.runtime: requirements/runtime.txt
	@$(PYTHON) deploy/install.py $(VENV) requirements/runtime.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt
	@$(PYTHON) deploy/install.py $(VENV) requirements/dev.txt
	@touch $@ $(VENV)/.runtime
