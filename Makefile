# make run: set up and open the chat.  make test: set up and run the tests.  make check: lint and types.
# make audit: known holes in the installed packages, asked of PyPI.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: run test check audit clean

run: $(READY)
	@$(BIN)/chatbot serve --open

# Compiled modules are kept even where the environment says otherwise: hundreds of processes are started. Each computes with
# one thread, because threads of one model, without a core each, wait for each other.
test: $(READY)
	@echo "Running the tests (under five minutes) …"
	@env -u PYTHONDONTWRITEBYTECODE OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

audit: $(READY)
	@test -x .audit/bin/pip-audit || ($(PYTHON) -m venv .audit && .audit/bin/pip install --quiet 'pip-audit>=2.7,<3')
	.audit/bin/pip-audit --path "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"

$(READY): pyproject.toml constraints.txt
	@echo "Setting up .venv with $$($(PYTHON) --version) (a few minutes the first time) …"
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "Python 3.11 to 3.13 is needed: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(READY)
	@echo "Set up."

clean:
	rm -rf .venv .audit build dist
