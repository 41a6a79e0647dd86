# Two commands do everything on a fresh machine: `make train` and `make test`.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

# Words for the commands below: CORPUS=nietzsche, RUN=runs/theano_rnn-1, ARGS='--hidden 128'.
CORPUS ?= python-prose
RUN ?= latest
PROMPT ?= The
ARGS ?=

PYTHON := .venv/bin/python
READY := .venv/ready
READY_DEV := .venv/ready-dev
PEERS := .venv-peers/ready

.PHONY: help train sample compare graph lesson doctor test test-peers fuzz bench bench-readme format clean constraints

help:  ## show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

$(READY): scripts/environment.sh scripts/constraints.txt pyproject.toml
	@./scripts/environment.sh
	@touch $(READY)

$(READY_DEV): $(READY)
	@./scripts/environment.sh dev
	@touch $(READY_DEV)

train: $(READY)  ## train the lesson's network (CORPUS=nietzsche or a file; ARGS='--hidden 128')
	@$(PYTHON) -m graphrnn train $(if $(filter python-prose,$(CORPUS)),,--corpus "$(CORPUS)") $(ARGS)

sample: $(READY)  ## write text with a trained network (RUN=folder PROMPT='The')
	@$(PYTHON) -m graphrnn sample "$(RUN)" --prompt="$(PROMPT)" $(ARGS)

lesson: $(READY)  ## set the lesson's figures beside ours (CORPUS=nietzsche or its path; ARGS=--quick)
	@$(PYTHON) scripts/lesson.py --corpus "$(if $(filter python-prose,$(CORPUS)),nietzsche,$(CORPUS))" $(ARGS)

compare: $(READY)  ## compare scan and unrolled loops (ARGS='--quick', ARGS='gru --time 8 32 --batch 16')
	@$(PYTHON) -m graphrnn compare $(ARGS)

graph: $(READY)  ## list the lesson's network at three stages, and write its page (ARGS='--loop unrolled')
	@mkdir -p runs
	@$(PYTHON) -m graphrnn inspect theano_rnn --stage written --stage gradient --stage rewritten \
		--out runs/graph.html $(ARGS)

doctor: $(READY)  ## say what graphrnn found on this machine
	@$(PYTHON) -m graphrnn doctor

test: $(READY_DEV)  ## check style, types and behaviour
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@$(PYTHON) -m pytest -n auto --dist worksteal $(ARGS)

fuzz: $(READY_DEV)  ## compare 10,000 random graphs on two backends, and 5,000 loops with NumPy (ARGS='--sanitize --from 500')
	@$(PYTHON) -m scripts.fuzz_native $(ARGS)

$(PEERS): $(READY_DEV) scripts/environment-peers.sh scripts/constraints-peers.txt
	@./scripts/environment-peers.sh
	@touch $(PEERS)

test-peers: $(PEERS)  ## hold the cells against PyTorch's and Keras's (installs them in .venv-peers)
	@$(PYTHON) -m pytest tests/peers $(ARGS)

bench: $(PEERS)  ## time it against PyTorch, JAX, Keras, PyTensor and stock Aesara (ARGS=--quick)
	@$(PYTHON) -m scripts.bench_peers $(ARGS)

bench-readme: $(READY_DEV)  ## put the figures of the last `make bench` into the README
	@$(PYTHON) -m scripts.bench_peers --readme $(ARGS)

format: $(READY_DEV)  ## lay the code out as `make test` wants it
	@$(PYTHON) -m ruff check --fix .
	@$(PYTHON) -m ruff format .

constraints: $(READY_DEV)  ## pin the libraries anew
	@PATH="$$PATH:$$PWD/.uv/bin" uv pip compile --quiet --upgrade --universal --python-version 3.11 \
		--no-header --no-annotate --no-emit-index-url --extra dev pyproject.toml -o scripts/constraints.txt

clean:  ## remove the environment and what tools left (runs/ stays)
	rm -rf .venv .venv-peers .uv .mypy_cache .pytest_cache .ruff_cache build dist
	find graphrnn scripts tests -name __pycache__ -prune -exec rm -rf {} +
