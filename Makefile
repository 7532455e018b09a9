# What a person runs. `make` alone lists it.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000
export PORT
LISTEN ?= 127.0.0.1
SEED ?= 1
MINUTES ?= 7.5
ORDERS ?= 2000

.PHONY: help install demo run worker beat migrate test fast fire bench lint types format check audit lock clean

help: ## This list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 20

.venv/.runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("myOGO needs Python 3.11 or newer; this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else None'
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv .venv
	@echo "Installing what the portal needs (once)…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/.tools: .venv/.runtime requirements-dev.txt
	@echo "Installing what the tests need (once)…"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@

# The demo's alone: with it the sandbox is on. What runs for real writes none.
.env: | .venv/.runtime
	@$(BIN)/python -m myogo.firstenv > $@.new && chmod 600 $@.new && mv $@.new $@

install: .venv/.runtime ## The virtual environment; settings come from the environment, or from a .env of your own

demo: install .env ## Everything in one process: web, worker, beat, sandbox (PORT=8000)
	@$(BIN)/python manage.py demo

migrate: install ## The database, brought up to date
	$(BIN)/python manage.py migrate

run: install ## Only the web server, as in production (gunicorn; LISTEN=127.0.0.1 PORT=8000)
	$(BIN)/python manage.py collectstatic --noinput --verbosity 0
	$(BIN)/gunicorn myogo.wsgi --bind $(LISTEN):$(PORT) --workers 2 --threads 4

worker: install ## Only the worker (needs CELERY_BROKER_URL)
	$(BIN)/celery --quiet -A myogo worker --loglevel INFO

beat: install ## Only the timetable (needs CELERY_BROKER_URL)
	@mkdir -p var
	$(BIN)/celery --quiet -A myogo beat --loglevel INFO --schedule var/beat

test: .venv/.tools ## Everything: style, types, tests on SQLite and PostgreSQL, Redis, browser
	@$(BIN)/python -m tests.everything

fast: .venv/.tools ## The tests on SQLite without the browser
	$(BIN)/pytest -q -n 2 -m "not browser and not fire"

fire: .venv/.tools ## A storm over everything, on PostgreSQL and Redis; writes docs/fire.md (SEED, MINUTES, ORDERS)
	@$(BIN)/python -m tests.fire --seed $(SEED) --minutes $(MINUTES) --orders $(ORDERS)

bench: install ## How long it takes, against the least that anybody would need, on PostgreSQL; writes docs/benchmarks.md
	@$(BIN)/python -m bench

lint: .venv/.tools ## Style of code and templates
	$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/djlint --quiet --lint templates

types: .venv/.tools ## mypy, strict
	$(BIN)/mypy .

format: .venv/.tools ## Put the code into its style
	$(BIN)/ruff check --fix . && $(BIN)/ruff format .

check: install ## Are the settings fit for production? Fails where one is not
	$(BIN)/python manage.py check --deploy --fail-level WARNING

# --strict: what could not be looked up is a failure, never a silent pass.
audit: .venv/.tools ## Does anything that we pin have a known vulnerability? (asks PyPI)
	$(BIN)/uv tool run --from pip-audit==2.10.1 pip-audit --strict --disable-pip --require-hashes -r requirements-dev.txt

lock: .venv/.tools ## Pin requirements*.in anew, with hashes and without addresses
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements-dev.in -o requirements-dev.txt

clean: ## Forget the demo: its database and keys; a .env that is not the demo's stays, and so does var/
	@if grep -qs '^# Made by `make demo`' .env && grep -qsx 'SANDBOX=true' .env; then rm -rf var .env; \
	else echo "No .env of the demo here, so nothing was removed: var/ may hold a database that is needed."; fi
