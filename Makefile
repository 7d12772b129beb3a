# Foliot. `make demo` and `make test` do all their own set-up in .venv; `make help` lists the rest.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export UV_NO_PROGRESS := 1
export UV_LINK_MODE := copy
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  \1\t\2/' | expand -t 18

# uv installs the pinned packages in a few seconds; it is itself installed by pip, pinned and hashed.
$(VENV)/.uv: requirements-uv.txt
	@echo "Making $(VENV) …"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --require-hashes -r requirements-uv.txt
	@touch $@

$(VENV)/.run: $(VENV)/.uv requirements.txt pyproject.toml
	@echo "Installing what Foliot runs on …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: $(VENV)/.run requirements-dev.txt
	@echo "Installing what tests and lints it …"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements-dev.txt
	@touch $@

.PHONY: setup
setup: $(VENV)/.dev ## Make .venv with everything in it

# What every event passes can be compiled: the same sources, through mypyc (hatch_build.py), in an environment of their own.
COMPILED := $(VENV)-compiled
WHEEL := FOLIOT_COMPILE=1 $(BIN)/uv build --quiet --wheel --no-build-isolation --python $(BIN)/python
SOURCES := $(shell find platform workers ingest -type f -not -name '*.pyc')

$(COMPILED)/.done: $(VENV)/.dev hatch_build.py $(SOURCES)
	@echo "Compiling Foliot into $(COMPILED) (two minutes) …"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(COMPILED)
	@$(BIN)/uv pip install --quiet --python $(COMPILED)/bin/python --require-hashes -r requirements-dev.txt
	@$(WHEEL) --out-dir $(COMPILED)/wheel
	@$(BIN)/uv pip install --quiet --python $(COMPILED)/bin/python --no-deps $(COMPILED)/wheel/*.whl
	@touch $@

.PHONY: compiled
compiled: $(COMPILED)/.done ## Make .venv-compiled: Foliot with what every event passes compiled to C

.PHONY: wheel
wheel: $(VENV)/.dev ## Build the compiled wheel for this Python and machine into dist/
	@$(WHEEL) --out-dir dist

# Each peer of the benchmark has an environment of its own, so that none of them shares a package with Foliot.
PEERS := $(VENV)-peers
$(PEERS)/%/.done: benchmarks/peers/requirements-%.txt $(VENV)/.uv
	@echo "Making $(PEERS)/$* …"
	@$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(PEERS)/$*
	@$(BIN)/uv pip install --quiet --python $(PEERS)/$*/bin/python --require-hashes -r $<
	@touch $@

.PHONY: peers
peers: $(foreach peer,celery dbos engines langgraph,$(PEERS)/$(peer)/.done) ## Make the environments of the benchmark's peers

.PHONY: demo
demo: $(VENV)/.run ## Stream 60,000 events through the whole path, kill a worker, and check every step
	@$(BIN)/foliot demo --checker tests/checker/check.py

.PHONY: format
format: $(VENV)/.dev ## Format the code
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix-only .

.PHONY: lint
lint: $(VENV)/.dev ## Look at format, style, types and imports
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	$(BIN)/lint-imports

.PHONY: test
test: lint kafka-jars xstate-package ## Lint, and run all tests that fit into CI
	$(BIN)/pytest -q $(SPREAD)
	@if command -v cc >/dev/null; then $(MAKE) --no-print-directory test-compiled TESTS="$(COMPILED_TESTS)"; \
	  else echo "NOT TESTED: the compiled modules, since there is no C compiler (cc)."; fi

.PHONY: explore
explore: $(VENV)/.dev ## Run the properties with examples that nobody has drawn yet (EXPLORE=paths; minutes)
	$(BIN)/pytest -q $(SPREAD) --hypothesis-profile explore $(EXPLORE)
EXPLORE ?= tests/unit tests/checker tests/integration/runtime/test_model.py

# Each of two processes has servers of its own; what belongs together stays together, and the longest comes first.
SPREAD := --numprocesses 2 --dist loadfile --no-loadscope-reorder
COMPILED_TESTS := $(addprefix tests/unit/,engine runtime cloudevents ingest) tests/integration/runtime/test_model.py

.PHONY: test-compiled
test-compiled: $(COMPILED)/.done kafka-jars ## Run the tests (or TESTS="…") against what is compiled
	$(COMPILED)/bin/pytest -q $(SPREAD) $(TESTS)

# Nothing is left out in silence: a broken link, a missing anchor or a page that nothing leads to ends it.
.PHONY: docs
docs: $(VENV)/.dev ## Build the site of docs/ into docs/_build (open docs/_build/index.html)
	@$(BIN)/sphinx-build -q -W --keep-going -b html docs docs/_build

.PHONY: reference
reference: $(VENV)/.dev ## Write the generated pages of docs/ anew
	@for page in codes diagnostics reference; do $(BIN)/python docs/generate_$$page.py || exit 1; done

.PHONY: refusals
refusals: $(VENV)/.dev ## Write anew what is told of the tests' bad definitions (read the difference before it is kept)
	PYTHONPATH=tests $(BIN)/python tests/refusals.py

.PHONY: unit
unit: $(VENV)/.dev ## Run the tests that need no server
	$(BIN)/pytest -q tests/unit tests/conformance

.PHONY: conformance
conformance: $(VENV)/.dev xstate-package ## SCXML's own tests, other engines' scripts, and CEL against Google's implementation
	$(BIN)/pytest -q tests/conformance

# The specification's cases are fetched as a module of Go; without Go there is nothing to compare.
CEL_MODULE := cel.dev/expr@v0.25.3
CEL_EXPRESSIONS ?= 20000
.PHONY: cel-cases
cel-cases: $(VENV)/.dev ## CEL's conformance cases, and 20,000 random expressions against Google's implementation (minutes)
	@command -v go >/dev/null || { echo "NOT RUN: CEL's conformance cases come through Go, which is not here."; exit 1; }
	@folder=$$(GOFLAGS=-mod=mod go mod download -json $(CEL_MODULE) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p') && \
	  $(BIN)/python tests/conformance/cel_cases.py --expressions $(CEL_EXPRESSIONS) \
	  --specification "$$folder/tests/simple/testdata" --report docs/reports/cel

FUZZ ?= cel yaml json scxml xstate
FUZZ_SECONDS ?= 600
.PHONY: fuzz
fuzz: $(VENV)/.dev ## Fuzz each reader (or FUZZ=cel) for ten minutes of processor time (FUZZ_SECONDS)
	@for reader in $(FUZZ); do echo "Fuzzing the reader of $$reader …"; \
	  $(BIN)/python tests/fuzz/run.py $$reader --seconds $(FUZZ_SECONDS) --corpus .fuzz --report docs/reports/fuzz || exit 1; done

# Apache Kafka's jars come through Maven; without java and mvn the tests that need it say so.
.PHONY: kafka-jars
kafka-jars: $(VENV)/.dev
	@if command -v java >/dev/null && command -v mvn >/dev/null; then $(MAKE) --no-print-directory kafka-install; fi

.PHONY: kafka-install
kafka-install: $(VENV)/.run ## Fetch Apache Kafka's jars into the user's cache
	@$(BIN)/python -c 'from foliot.local import install_jars; install_jars()'

# npm's xstate, a tool of tests and benchmarks alone: as it is published, held to its hash; it depends on nothing.
NODE := .venv-node
XSTATE := benchmarks/peers/xstate.sha256

$(NODE)/.done: $(XSTATE)
	@echo "Fetching npm's xstate into $(NODE) …"
	@rm -rf $(NODE) && mkdir -p $(NODE)/node_modules/xstate
	@cd $(NODE) && npm pack --silent xstate@$$(sed -E 's/.*xstate-(.*)\.tgz/\1/' $(abspath $(XSTATE))) >/dev/null \
	  && sha256sum --check --quiet $(abspath $(XSTATE)) && tar -xzf xstate-*.tgz --strip-components 1 -C node_modules/xstate
	@touch $@

# Without node and npm, or without npm's registry, the tests that compare with xstate say so.
.PHONY: xstate-package
xstate-package:
	@if command -v node >/dev/null && command -v npm >/dev/null; then $(MAKE) --no-print-directory $(NODE)/.done \
	  || echo "NOT FETCHED: npm's xstate; nothing is compared with it."; fi

.PHONY: xstate
xstate: $(VENV)/.dev $(NODE)/.done ## 5,000 random machines on npm's xstate and on Foliot's engine (minutes)
	PYTHONPATH=tests $(BIN)/python tests/conformance/xstate/run.py --machines 5000 --report docs/reports/xstate

.PHONY: coming-from
coming-from: $(VENV)/.dev $(PEERS)/engines/.done $(PEERS)/langgraph/.done ## The machines of the pages "Coming from …" on the packages that they come from
	$(BIN)/pytest -q tests/unit/docs/test_coming_from.py

.PHONY: api-cases
api-cases: $(VENV)/.dev ## 24,500 requests made out of /openapi.json: every answer is one that it describes (minutes)
	FOLIOT_TEST_API_CASES=24500 FOLIOT_TEST_API_REPORT=docs/reports/api-cases \
	  $(BIN)/pytest -q tests/integration/api/test_cases.py

.PHONY: chaos
chaos: $(VENV)/.dev kafka-install ## 20,000 events and 40 faults on Apache Kafka and PostgreSQL (minutes)
	$(BIN)/python tests/acceptance/chaos/run.py --events 20000 --faults 40 --report docs/reports/chaos

.PHONY: mutants
mutants: $(VENV)/.dev kafka-install ## Switch each defence off: the checker must turn red
	$(BIN)/python tests/acceptance/mutants/run.py --report docs/reports/mutants

.PHONY: machine-mutants
machine-mutants: $(VENV)/.dev ## Change the example machines in small ways: generated scenarios must notice
	$(BIN)/python tests/unit/testing/machine_mutants.py --report docs/reports/machine-mutants

.PHONY: optimizer
optimizer: $(VENV)/.dev ## Plant redundancy in 500 random machines: it must be found, and nothing else differ (minutes)
	PYTHONPATH=tests $(BIN)/python tests/unit/optimizing/planted_campaign.py --report docs/reports/optimizer

.PHONY: bench
bench: $(COMPILED)/.done kafka-install peers ## Measure the spine, then Foliot against its peers (minutes)
	$(COMPILED)/bin/python -m benchmarks.spine --report docs/reports/spine
	$(COMPILED)/bin/python -m benchmarks contest --peers $(PEERS)

.PHONY: bench-engine
bench-engine: $(COMPILED)/.done $(PEERS)/engines/.done xstate-package ## Measure Foliot's engine alone beside other engines (minutes)
	$(COMPILED)/bin/python -m benchmarks engines --peers $(PEERS) --plain $(BIN)/python

.PHONY: bench-long
bench-long: $(COMPILED)/.done kafka-install peers ## Every setting, latency, scaling, growth to 1,000,000 instances, an hour's soak (hours)
	$(COMPILED)/bin/python -m benchmarks contest --long --peers $(PEERS)
	$(COMPILED)/bin/python -m benchmarks latency
	$(COMPILED)/bin/python -m benchmarks scaling
	$(COMPILED)/bin/python -m benchmarks growth
	$(COMPILED)/bin/python -m benchmarks soak

.PHONY: lock
lock: $(VENV)/.dev ## Pin all dependencies anew
	@for peer in celery dbos engines langgraph; do $(BIN)/uv pip compile benchmarks/peers/requirements-$$peer.in $(LOCK) \
	  -o benchmarks/peers/requirements-$$peer.txt || exit 1; done
	@echo uv | $(BIN)/uv pip compile - $(LOCK) --no-annotate -o requirements-uv.txt
	@$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra client --extra server --extra local --group build -o requirements.txt
	@$(BIN)/uv pip compile pyproject.toml $(LOCK) --extra client --extra server --extra local --group build --group dev --group docs \
	  -c requirements.txt -o requirements-dev.txt
LOCK := --quiet --universal --python-version 3.11 --generate-hashes --no-header --upgrade

.PHONY: clean
clean: ## Remove what the targets made
	rm -rf $(VENV) $(COMPILED) $(PEERS) $(NODE) dist docs/_build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .foliot .fuzz reports
