# What a person runs. `make` alone lists it.
PYTHON ?= python3
BIN := .venv/bin
PORT ?= 8000
export PORT
SEED ?= 1
MINUTES ?= 7
ORDERS ?= 1800

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

.env: | .venv/.runtime
	@$(BIN)/python -m myogo.firstenv > $@.new && chmod 600 $@.new && mv $@.new $@

install: .venv/.runtime .env ## The virtual environment and a first .env

demo: install ## Everything in one process: web, worker, beat, sandbox (PORT=8000)
	@$(BIN)/python manage.py demo

migrate: install ## The database, brought up to date
	$(BIN)/python manage.py migrate

run: migrate ## Only the web server, as in production (gunicorn)
	$(BIN)/python manage.py collectstatic --noinput --verbosity 0
	$(BIN)/gunicorn myogo.wsgi --bind 127.0.0.1:$(PORT) --workers 2 --threads 4

worker: install ## Only the worker (needs CELERY_BROKER_URL)
	$(BIN)/celery -A myogo worker --loglevel INFO

beat: install ## Only the timetable (needs CELERY_BROKER_URL)
	$(BIN)/celery -A myogo beat --loglevel INFO --schedule var/beat

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

check: install ## Are the settings fit for production?
	$(BIN)/python manage.py check --deploy

# --strict: what could not be looked up is a failure, never a silent pass.
audit: .venv/.tools ## Does anything that we pin have a known vulnerability? (asks PyPI)
	$(BIN)/uv tool run --from pip-audit==2.10.1 pip-audit --strict --disable-pip --require-hashes -r requirements-dev.txt

lock: .venv/.tools ## Pin requirements*.in anew, with hashes and without addresses
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements.in -o requirements.txt
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header requirements-dev.in -o requirements-dev.txt

clean: ## Forget the demo: its database and keys
	rm -rf var .env
