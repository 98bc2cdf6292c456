# make run: set up and open the chat.  make test: set up and run the tests.  make check: lint and types.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready

.PHONY: run test check clean

run: $(READY)
	@$(BIN)/chatbot serve --open

test: $(READY)
	@echo "Running the tests (about ten minutes) …"
	@$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

$(READY): pyproject.toml constraints.txt
	@echo "Setting up .venv with $$($(PYTHON) --version) (a few minutes the first time) …"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or later is needed: make PYTHON=python3.12 …")'
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $(READY)
	@echo "Set up."

clean:
	rm -rf .venv build dist
