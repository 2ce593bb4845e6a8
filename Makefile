# Every target sets up what it needs in a fresh clone; only Python >= 3.11 is taken for granted.
PYTHON ?= python3
PORT ?= 8000
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes

.PHONY: demo install test check mutants faults faults-control bench pages screenshots reference try-install coverage lock clean

demo: .venv/.runtime ## the whole product with demo data on 127.0.0.1:$(PORT); Ctrl-C stops it
	@PORT=$(PORT) DEMO=1 $(BIN)/python app.py

install: .venv/.dev ## .venv with all that development needs

test: .venv/.dev ## every test, on real PostgreSQL and in a real Chromium
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: .venv/.dev ## the linters, in the order of design
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/djlint --quiet --lint --check templates
	$(BIN)/lint-imports

coverage: .venv/.dev ## the tests without a browser, with branch coverage
	NO_BROWSER=1 $(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder --cov --cov-report=term-missing:skip-covered

mutants: .venv/.dev ## one-line mutations, each of which one named test must catch
	$(BIN)/python -m tests.mutants

faults: .venv/.dev ## provokes every fault of docs/reliability.md in its long form and prints the table (about two hours); FAULTS="K4 K16" only these
	@$(BIN)/python -m tests.browser
	@$(BIN)/python -m tests.faults.tools
	$(BIN)/python -m tests.faults $(FAULTS)

faults-control: .venv/.dev ## five faults against deliberately broken code, each of which must report violations
	$(BIN)/python -m tests.faults.control

bench: .venv/.dev ## every figure of bench/README.md, beside its peers (about 20 minutes); BENCH="sweep accept" only these
	$(BIN)/python -m bench $(BENCH)

pages: .venv/.dev ## axe, the W3C checker, Lighthouse, weight, zoom, motion and keyboard on every page in every state (about 5 minutes)
	@$(BIN)/python -m tests.browser
	$(BIN)/python -m tests.standards

screenshots: .venv/.dev ## every page in every state at two widths, light and dark, into docs/screenshots/ (about 2 minutes)
	@$(BIN)/python -m tests.browser
	$(BIN)/python -m tests.screenshots

try-install: .venv/.dev ## the how-to pages, command by command, in a Debian made for that (root on a Debian; about ten minutes)
	$(BIN)/python -m tests.try_install

reference: .venv/.dev ## docs/reference and the lists in docs/README.md and README.md, from the code
	@$(BIN)/python -m tests.readme
	@$(BIN)/python -m tests.reference

lock: .venv/.dev ## new versions: names, versions and hashes only
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --no-strip-extras --extra embedded pyproject.toml -o requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --no-annotate --no-strip-extras --extra embedded --extra stripe --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt

clean: ## what the commands above made; instance/ (the data) stays
	rm -rf .venv .browsers .node .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Book Again needs Python 3.11 or newer, and $(PYTHON) is not that. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Python cannot make a virtual environment here. On Debian: apt-get install python3-venv"; exit 1; }

.venv/.runtime: requirements.txt | .venv/bin/python
	@test -f .venv/.dev || { echo "Installing what Book Again needs (once) …"; $(PIP) -r requirements.txt; }
	@touch $@

.venv/.dev: requirements-dev.txt | .venv/bin/python
	@echo "Installing what development needs (once) …"
	@$(PIP) -r requirements-dev.txt
	@touch $@ .venv/.runtime
