# Rollcall. `make help` lists what there is to do.
SHELL := /bin/bash
.DEFAULT_GOAL := help
ENV ?= dev
JOBS ?= 2
PYTHON ?= $(shell for python in python3 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

VENV := .venv/bin
SAM := SAM_CLI_TELEMETRY=0 PATH="$(CURDIR)/$(VENV):$$PATH" .venv-sam/bin/sam
UV := $(VENV)/uv
UV_VERSION := 0.13.9
COMPILE := $(UV) pip compile --quiet --no-header --no-annotate

.PHONY: help run stack test check format build deploy teardown replay bench lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: .venv/ready ## The whole product here: local AWS, two sample apps, synced and served (PORT= ALLOW_HOSTS= FRESH=1)
	@exec $(VENV)/python -m local.run

stack: .venv/ready ## Only the local AWS with template.yaml deployed (PORT= ALLOW_HOSTS= FRESH=1)
	@exec $(VENV)/python -m local.stack

test: .venv/ready .venv-sam/ready ## Every test, in two processes (JOBS= says how many, ARGS= goes to pytest)
	$(VENV)/python -m pytest -n $(JOBS) --dist loadfile $(ARGS)

check: .venv/ready .venv-sam/ready ## Format, lint, types, template and state machines
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .
	$(VENV)/mypy
	$(SAM) validate --lint --region us-east-1
	$(VENV)/python -m deploy.states --cfn-lint .venv-sam/bin/cfn-lint

format: .venv/ready ## Put the source in order
	$(VENV)/ruff format .
	$(VENV)/ruff check --fix .

build: .venv/ready .venv-sam/ready ## Build what is deployed, into .aws-sam
	$(SAM) build

deploy: build ## Deploy to AWS (ENV=dev|prod, as samconfig.toml says)
	$(SAM) deploy --config-env $(ENV)

teardown: .venv/ready .venv-sam/ready ## Remove the deployment from AWS; the tables stay (ENV=dev|prod)
	$(VENV)/python -m deploy.teardown --env $(ENV)
	$(SAM) delete --config-env $(ENV) --no-prompts

replay: .venv/ready ## Publish the events that were parked (ENV=dev|prod)
	PYTHONPATH=layers/rollcall/python $(VENV)/python -m deploy.replay --env $(ENV)

bench: .venv/ready ## Measure
	$(VENV)/python -m bench

# manylinux_2_28: google-re2's wheel needs glibc 2.28; Lambda's Amazon Linux 2023 has 2.34.
lock: .venv/ready ## Pin every requirement anew
	$(COMPILE) --python-version 3.13 --python-platform aarch64-manylinux_2_28 --only-binary :all: \
		--no-emit-package boto3 --no-emit-package jmespath \
		layers/rollcall/requirements.in -o layers/rollcall/requirements.txt
	$(COMPILE) --python-version 3.11 -c layers/rollcall/requirements.txt requirements/dev.in -o requirements/dev.txt
	$(COMPILE) --python-version 3.11 requirements/sam.in -o requirements/sam.txt

clean: ## Remove everything made here: environments, builds, local state
	rm -rf .venv .venv-sam .aws-sam .local .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/ready: requirements/dev.txt
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: apt-get install python3 python3-venv"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make an environment: apt-get install python3-venv"; exit 1; }
	@test -x $(UV) || { $(PYTHON) -m venv .venv && $(VENV)/pip install --quiet uv==$(UV_VERSION); }
	@$(UV) pip install --quiet --python $(VENV)/python uv==$(UV_VERSION) -r requirements/dev.txt
	@touch $@

.venv-sam/ready: requirements/sam.txt | .venv/ready
	@$(UV) venv --quiet --clear --python $(VENV)/python .venv-sam
	@$(UV) pip install --quiet --python .venv-sam/bin/python -r requirements/sam.txt
	@touch $@
