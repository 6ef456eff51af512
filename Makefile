# One target, one command. Everything runs from .venv, which is made on first use.

PYTHON ?= python3
BIN := .venv/bin
PY := $(BIN)/python
READY := .venv/.installed
N ?= 3
VARIANT ?= segem
EPS ?= 1e-4

.PHONY: help verify test lint codegen proofs formal readme notebooks docs exhaustive accuracy sweeps soak fuzz bench check cost values
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

codegen: $(READY)  ## write codegen/, Python and C++, from the definitions
	$(PY) -m gem_symbolic.emit

proofs: $(READY)  ## write proofs/ from the definitions
	$(PY) -m gem_symbolic.proofs
	$(PY) -m gem_symbolic.formal --render

formal: $(READY)  ## prove the theorems with Coq and bounds of rounding errors with Gappa and Coq (ONLY=--theorems, ONLY=--rounding)
	$(PY) -m gem_symbolic.formal $(ONLY)

readme: $(READY)  ## rewrite the tables of README.md, codegen/ACCURACY.md and codegen/COST.md from committed data
	$(PY) -m gem_symbolic.readme
	$(PY) -m gem_symbolic.cost --table

notebooks: $(READY)  ## execute the notebooks and store what they show
	$(PY) -m gem_symbolic.notebooks

docs: $(READY)  ## build the documentation: build/docs/docs/index.html
	$(PY) -m sphinx -W --keep-going -n -q -c docs . build/docs

exhaustive: $(READY)  ## compare the C++ kernels with the reference on every binary32 input (VARIANT=segem N=3 EPS=1e-4)
	$(PY) -m gem_symbolic.exhaustive --variant $(VARIANT) --N $(N) --eps $(EPS) --again

sweeps: $(READY)  ## the same for every variant, N and eps of the grid that codegen/exhaustive/ lacks: most of an hour
	$(PY) -m gem_symbolic.exhaustive

accuracy: $(READY)  ## measure all kernels over the grid of parameters: the 16-bit types on every input, wider ones on a sample
	$(PY) -m gem_symbolic.accuracy

cost: $(READY)  ## compile the Triton kernels ahead of time, count their machine code: codegen/COST.md
	$(PY) -m gem_symbolic.cost

values: $(READY)  ## what the kernels give at infinities, zeros and NaN, and where gradients vanish: codegen/VALUES.md
	$(PY) -m gem_symbolic.special

soak: $(READY)  ## train in mixed precision for 1,000 steps where the printed formula overflows
	SOAK_STEPS=1000 $(PY) -m pytest -n 2 tests/test_soak.py

fuzz: $(READY)  ## compare what is derived of 50,000 random specs with brute force, half an hour
	FUZZ_SPECS=50000 $(PY) -m pytest -s tests/test_spec_fuzz.py

bench: $(READY)  ## time the kernels beside copying, F.relu, F.silu, F.gelu: codegen/bench-cpu.json, 45 minutes
	$(PY) -m gem_symbolic.bench --json codegen/bench-cpu.json

check: proofs codegen values readme  ## regenerate everything generated; fail if anything changed
	git diff --exit-code

$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet -e ".[torch,triton,onnx,transformers,report,notebooks,smt,docs,dev]" -c constraints.txt
	touch $@
