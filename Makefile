# One target, one command. Everything runs from .venv, which is made on first use.

PYTHON ?= python3
BIN := .venv/bin
PY := $(BIN)/python
READY := .venv/.installed
N ?= 3
VARIANT ?= segem

.PHONY: help verify test lint codegen proofs formal readme notebooks exhaustive bench check
.DELETE_ON_ERROR:
.NOTPARALLEL:  # codegen and readme quote proofs

help:  ## list the targets
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 12

verify: $(READY)  ## prove the theorems, measure the kernels, print the table (VARIANT=segem N=3)
	$(PY) -m gem_symbolic.verify --variant $(VARIANT) --N $(N)

test: lint  ## lint, types and the whole test suite
	$(PY) -m pytest -n 2

lint: $(READY)  ## ruff and pyright
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m pyright --pythonpath $(PY)

codegen: $(READY)  ## write codegen/ from the definitions
	$(PY) -m gem_symbolic.emit

proofs: $(READY)  ## write proofs/ from the definitions
	$(PY) -m gem_symbolic.proofs
	$(PY) -m gem_symbolic.formal --render

formal: $(READY)  ## prove bounds of rounding errors with Gappa and Coq, and write them to proofs/
	$(PY) -m gem_symbolic.formal

readme: $(READY)  ## rewrite the generated table of README.md from proofs/ and codegen/
	$(PY) -m gem_symbolic.readme

notebooks: $(READY)  ## execute the notebooks and store what they show
	$(PY) -m gem_symbolic.notebooks

exhaustive: $(READY)  ## measure the kernels over the grid of parameters, on every input of the 16-bit types
	$(PY) -m gem_symbolic.accuracy

bench: $(READY)  ## measure speed
	$(PY) -m gem_symbolic.bench

check: proofs codegen readme  ## regenerate everything generated; fail if anything changed
	git diff --exit-code

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet -e ".[torch,triton,report,notebooks,dev]" -c constraints.txt
	touch $@
