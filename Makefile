# make paper   set up, then the paper's experiment: Table 2 and Figures 1 and 2
# make test    set up, then lint, types and the quick tests, in a few minutes
# make check   make test, then all that takes longer
#
# Set-up makes the virtual environment .venv and is repeated only when setup.py changed.

PYTHON  ?= python3
DATASET ?= mnist-sample
PROFILE ?= quick
ARGS    ?=
BIN     := .venv/bin
PARALLEL := -n logical --maxprocesses 4 --dist worksteal

.PHONY: help setup paper test check lint types tutorials playground docs node mutants \
    oracles readme size clean

help:
	@sed -n 's/^# \(make .*\)/\1/p' Makefile

paper: .venv/.tutorials
	$(BIN)/python -m tutorials.paper run table2 figures report \
	    --dataset $(DATASET) --profile $(PROFILE) $(ARGS)

test: lint types
	$(BIN)/pytest $(PARALLEL) -m "not slow"

check: test
	$(BIN)/pytest $(PARALLEL) -m slow

lint: .venv/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

# Chapters are for reading, without annotations: only names, imports and calls are checked.
CHAPTER_TYPES := --allow-untyped-defs --allow-untyped-calls --allow-incomplete-defs \
    --disable-error-code=arg-type --disable-error-code=assignment \
    --disable-error-code=dict-item --disable-error-code=misc \
    --disable-error-code=operator --disable-error-code=union-attr
types: .venv/.dev
	$(BIN)/mypy
	$(BIN)/mypy $(CHAPTER_TYPES) tutorials/[01]*.py

# make setup   the environment alone
setup: .venv/.tutorials

# make tutorials  execute the chapters into the notebooks beside them
tutorials: .venv/.tutorials
	$(BIN)/python -m tutorials.notebooks

# make docs     the site, build/site: chapters, results, reference (needs Node for formulas)
docs: node .venv/.docs build/static/katex/katex.min.css
	rm -rf build/site build/extra
	mkdir -p build/extra
	$(BIN)/python -m tutorials.playground build/extra/playground.html \
	    --chapters 'tutorials/notebooks/{}.html' >/dev/null
	$(BIN)/sphinx-build -q -W -E -b html -c docs -d build/doctrees . build/site
	$(BIN)/python -m tests.site.links build/site
	@echo 'the site is build/site/index.html'

# Exactly the version whose formulas the extension renders.
build/static/katex/katex.min.css: .venv/.docs | node
	rm -rf build/katex-*.tgz $(@D)
	mkdir -p $(@D)
	@npm pack --silent --pack-destination build "katex@$$($(BIN)/python -c \
	    'from sphinxcontrib import katex; print(katex.katex_version)')" >/dev/null
	tar -xmzf build/katex-*.tgz -C $(@D) --strip-components=2 \
	    package/dist/fonts package/dist/katex.min.css

node:
	@command -v node >/dev/null && command -v npm >/dev/null || { echo 'make docs renders' \
	    'formulas with KaTeX, which needs Node and npm: sudo apt install nodejs npm' >&2; \
	    exit 1; }

# make playground  write playground.html: attack ten networks in a browser
playground: .venv/.tutorials
	$(BIN)/python -m tutorials.playground

# make mutants  break the code in many small ways and count how many breaks are noticed
mutants: .venv/.dev .venv/.mutation
	$(BIN)/python -m tests.mutants

# make oracles  compare with torchattacks and AutoAttack, in an environment of their own
oracles: .venv-oracles/.made
	.venv-oracles/bin/python -m pytest -s tests/attacks/test_attacks_against_torchattacks.py \
	    tests/attacks/test_attacks_against_autoattack.py

# make readme   the quick experiment's results, and the README's tables from results/
readme: .venv/.tutorials
	$(BIN)/python -m tutorials.paper run table2 figures report --results results/readme
	$(BIN)/python -m tutorials.paper.pages.overview

# make size     count lines of Python: of the core, file by file, and of everything
size:
	@$(PYTHON) -m tests.size

# make clean    remove the environment and everything that tools left behind
clean:
	rm -rf .venv .venv-oracles build dist *.egg-info mutants .mypy_cache .pytest_cache .ruff_cache \
	    .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One stamp file for each set of extras, newer than setup.py once it is installed.
EXTRAS := .venv/.tutorials .venv/.dev .venv/.docs .venv/.mutation
$(EXTRAS): .venv/.%: setup.py pyproject.toml | .venv/.made
	$(BIN)/python -m pip install --quiet --editable ".[$*]"
	@touch $@

# torchattacks asks for older versions of what is needed elsewhere: hence --no-deps.
.venv-oracles/.made: setup.py
	$(PYTHON) -m venv .venv-oracles
	.venv-oracles/bin/python -m pip install --quiet --editable . 'pytest>=8' \
	    'hypothesis>=6.100' torch==2.13.0
	.venv-oracles/bin/python -m pip install --quiet --no-deps torchattacks==3.5.1 \
	    pyautoattack==0.2.0
	@touch $@

.venv/.made:
	@$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11)' 2>/dev/null || \
	    { echo 'minidl needs Python 3.11 or newer: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || \
	    { echo 'Python lacks venv: sudo apt install python3-venv' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@
