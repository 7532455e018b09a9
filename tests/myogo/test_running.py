"""docs/operations.md, word for word: what its commands do in a fresh clone, and what no process starts with."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from django.db import connection

from myogo.firstenv import first_env
from tests.clone import ROOT, clone
from tests.databases import database_url

BIN = Path(sys.executable).parent
KEY = Fernet.generate_key().decode()
SET = {"SECRET_KEY": "w" * 20 + "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ", "FIELD_ENCRYPTION_KEYS": KEY}
FOR_REAL = ("install", "check", "migrate", "run", "worker", "beat")


@pytest.fixture
def fresh(tmp_path: Path) -> Path:
    return clone(tmp_path)


def call(folder: Path, *command: str, **given: str) -> subprocess.CompletedProcess[str]:
    kept = {"PATH": f"{BIN}:{os.environ['PATH']}", "DJANGO_SETTINGS_MODULE": "myogo.settings"}
    return subprocess.run(
        command, cwd=folder, env={**kept, **given}, capture_output=True, text=True, timeout=120, check=False
    )


# --- make -----------------------------------------------------------------------------------


def test_what_runs_for_real_writes_no_env_and_the_demo_does(fresh: Path) -> None:
    for target in FOR_REAL:
        said = call(fresh, "make", "-n", target)
        assert said.returncode == 0, said.stderr
        assert "firstenv" not in said.stdout, target
        assert not re.search(r"\.env\b", said.stdout.replace(".venv", "")), target
    assert "firstenv > .env" in call(fresh, "make", "-n", "demo").stdout


def test_without_an_env_the_defaults_are_those_of_production(fresh: Path) -> None:
    names = "DEBUG SANDBOX ALLOW_PRIVATE_SHOP_ADDRESSES HTTPS WHITENOISE_USE_FINDERS STATIC_ROOT"
    show = f"from django.conf import settings; print(*[getattr(settings, name) for name in '{names}'.split()])"
    said = call(fresh, sys.executable, "-c", show, **SET)
    assert said.stdout.split() == ["False", "False", "False", "True", "False", str(fresh / "staticfiles")]


def test_make_check_fails_where_a_warning_is_left(fresh: Path) -> None:
    (fresh / ".venv").mkdir()
    (fresh / ".venv" / ".runtime").touch()
    said = call(fresh, "make", "check", f"BIN={BIN}", **SET)
    assert "integrations.W003" in said.stderr
    assert said.returncode != 0
    assert not (fresh / ".env").exists()


OTHERS = {
    "a person's": "SECRET_KEY=mine\n",
    "the demo's, made into production's": first_env().replace("SANDBOX=true", "SANDBOX=false"),
    "like the demo's": "".join(first_env().splitlines(keepends=True)[1:]),
}


@pytest.mark.parametrize("text", OTHERS.values(), ids=OTHERS)
def test_clean_keeps_an_env_that_is_not_the_demo_s_and_the_database_beside_it(fresh: Path, text: str) -> None:
    (fresh / ".env").write_text(text)
    (fresh / "var").mkdir()
    (fresh / "var" / "myogo.sqlite3").write_text("a database")
    said = call(fresh, "make", "clean")
    assert said.returncode == 0
    assert "nothing was removed" in said.stdout
    assert (fresh / ".env").read_text() == text
    assert (fresh / "var" / "myogo.sqlite3").exists()


def test_clean_keeps_the_database_where_settings_come_from_the_environment(fresh: Path) -> None:
    (fresh / "var").mkdir()
    assert "nothing was removed" in call(fresh, "make", "clean").stdout
    assert (fresh / "var").exists()


def test_clean_forgets_the_demo(fresh: Path) -> None:
    (fresh / ".env").write_text(first_env())
    (fresh / "var").mkdir()
    assert call(fresh, "make", "clean").returncode == 0
    assert not (fresh / ".env").exists()
    assert not (fresh / "var").exists()


# --- the text -------------------------------------------------------------------------------


def test_the_first_keys_are_made_without_anything_installed() -> None:
    lines = re.findall(r"^ *python3 (-c \".*\") +# (\w+)$", (ROOT / "docs" / "operations.md").read_text(), re.MULTILINE)
    made = {name: call(ROOT, "bash", "-c", f"{sys.executable} -I -S {line}").stdout.strip() for line, name in lines}
    assert len(made["SECRET_KEY"]) >= 50
    Fernet(made["FIELD_ENCRYPTION_KEYS"])


def test_make_commands_of_the_text_are_there() -> None:
    text = (ROOT / "docs" / "operations.md").read_text()
    targets = set(re.findall(r"`make (\w+)", text))
    assert set(FOR_REAL) - {"install"} <= targets
    assert targets <= set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


# --- PostgreSQL's own settings --------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has no lock_timeout to be set")
def test_a_lock_timeout_from_the_environment_reaches_the_connection(fresh: Path) -> None:
    show = (
        "import django; django.setup(); from django.db import connection; cursor = connection.cursor()\n"
        "for name in ('lock_timeout', 'random_page_cost'): print(cursor.execute(f'SHOW {name}').fetchone()[0])"
    )
    given = {**SET, "DATABASE_URL": database_url()}
    assert call(fresh, sys.executable, "-c", show, **given).stdout.split() == ["0", "1.1"]
    said = call(fresh, sys.executable, "-c", show, **given, PGOPTIONS="-c lock_timeout=5s")
    assert said.stdout.split() == ["5s", "1.1"], said.stderr


# --- what no process starts with ------------------------------------------------------------

PROCESSES: dict[str, Callable[[Path], list[str]]] = {
    "web": lambda folder: ["gunicorn", "myogo.wsgi", "--bind", "127.0.0.1:0", "--workers", "2"],
    "worker": lambda folder: ["celery", "--quiet", "-A", "myogo", "worker", "--loglevel", "INFO"],
    "beat": lambda folder: ["celery", "--quiet", "-A", "myogo", "beat", "--schedule", str(folder / "beat")],
}


@pytest.mark.parametrize("process", PROCESSES)
def test_no_process_starts_with_a_key_that_is_none(fresh: Path, process: str) -> None:
    wrong = {**SET, "FIELD_ENCRYPTION_KEYS": "no-key", "CELERY_BROKER_URL": "redis://127.0.0.1:1/0"}
    said = call(fresh, *PROCESSES[process](fresh), **wrong)
    assert said.returncode == 3, said.stderr
    assert said.stdout == ""
    lines = [json.loads(line) for line in said.stderr.splitlines()]
    why = [line["message"] for line in lines if line["level"] == "critical"]
    assert why
    assert all(text.startswith("Key number 1 of FIELD_ENCRYPTION_KEYS is not a Fernet key.") for text in why)
    assert "no-key" not in said.stderr
