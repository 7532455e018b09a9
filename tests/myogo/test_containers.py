"""The container file and the compose file say what the Makefile runs, and ask for what the settings ask for."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.clone import ROOT, clone

REQUIRED = ("INSTALLATION", "SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "ALLOWED_HOSTS", "EMAIL_URL", "POSTGRES_PASSWORD")
SECRETS = {
    "SECRET_KEY": "w" * 20 + "0123456789abcdefghijklmnopqrstuvwxyz",
    "FIELD_ENCRYPTION_KEYS": "V2VsY29tZSB0byB0aGUgdGVzdHMsIGtleSBudW1iZXI=",
}
OWN = {"--bind", "--schedule"}  # where it listens and what it keeps differ on every machine


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    return found


def words(command: list[str]) -> list[str]:
    """A command without what differs on every machine."""
    return [word for before, word in zip(["", *command], command, strict=False) if not {before, word} & OWN]


def of_makefile(target: str) -> list[list[str]]:
    """The commands of a target, without the folder that they lie in."""
    text = (ROOT / "Makefile").read_text()
    found = re.search(rf"^{target}:.*\n((?:\t.*\n)+)", text, re.MULTILINE)
    assert found, target
    return [words(shlex.split(line.replace("$(BIN)/", ""))) for line in found[1].splitlines()]


@pytest.mark.parametrize(
    ("service", "target"), [("migrate", "migrate"), ("web", "run"), ("worker", "worker"), ("beat", "beat")]
)
def test_every_service_runs_what_the_makefile_runs(services: dict[str, Any], service: str, target: str) -> None:
    assert words(services[service]["command"]) in of_makefile(target)


def test_web_workers_and_beat_wait_for_the_migrations_and_there_is_one_beat(services: dict[str, Any]) -> None:
    for name in ("web", "worker", "beat"):
        assert services[name]["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
    assert [name for name, service in services.items() if "beat" in service.get("command", [])] == ["beat"]
    assert services["worker"]["stop_grace_period"] == "60s"


def test_what_the_portal_cannot_do_without_is_asked_for_and_known(services: dict[str, Any]) -> None:
    documented = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    environment = services["web"]["environment"]
    assert set(environment) - {"PGPASSWORD"} <= documented  # libpq's own, for the container's database
    asked = {*re.findall(r"\$\{(\w+):\?", (ROOT / "compose.yaml").read_text())}
    assert asked == {*REQUIRED}
    for name in asked:
        assert re.search(rf"^{name}=$", (ROOT / ".env.example").read_text(), re.MULTILINE), (
            "a copy would be everybody's"
        )
    for name in ("migrate", "worker", "beat"):
        assert services[name]["environment"] == environment
    for name in ("migrate", "web", "worker", "beat"):
        assert services[name]["env_file"] == ".env", "else what else is set there is not heard, without a word"


def test_one_service_builds_the_image_and_the_others_wait_for_it_and_fetch_none(services: dict[str, Any]) -> None:
    ours = {name: service for name, service in services.items() if service["image"] == "myogo"}
    assert [name for name, service in ours.items() if "build" in service] == ["migrate"]
    for name in ("web", "worker", "beat"):
        assert ours[name]["pull_policy"] == "never"
        assert "migrate" in ours[name]["depends_on"]


def test_the_database_is_asked_over_the_network_whether_it_is_ready(services: dict[str, Any]) -> None:
    """The image's first server, which makes the database, hears on its socket alone."""
    asks = services["db"]["healthcheck"]["test"]
    assert asks[asks.index("--host") + 1] == "127.0.0.1"
    assert services["migrate"]["depends_on"] == {"db": {"condition": "service_healthy"}}


@pytest.mark.parametrize("password", ["plain", "a@b/c#d:e%f?g"])
def test_any_password_reaches_the_database_as_it_is(services: dict[str, Any], password: str) -> None:
    """As libpq puts together what it is told in words and in its own variables."""
    environment = {name: services["web"]["environment"][name] for name in ("DATABASE_URL", "PGPASSWORD")}
    assert environment["PGPASSWORD"].startswith("${POSTGRES_PASSWORD:?")
    show = (
        "import django; django.setup(); from django.db import connection; import psycopg\n"
        "names = ('user', 'password', 'host', 'dbname')\n"
        "told = {name: value for name, value in connection.get_connection_params().items() if name in names}\n"
        "own = {one.keyword.decode(): one.val for one in psycopg.pq.Conninfo.get_defaults()}\n"
        "print(told, own['password'].decode())"
    )
    given = {**SECRETS, "DATABASE_URL": environment["DATABASE_URL"], "PGPASSWORD": password}
    kept = {"PATH": os.environ["PATH"], "DJANGO_SETTINGS_MODULE": "myogo.settings"}
    said = subprocess.run(
        [sys.executable, "-c", show], cwd=ROOT, env={**kept, **given}, capture_output=True, text=True, check=True
    )
    assert said.stdout.strip() == f"{ {'dbname': 'myogo', 'user': 'myogo', 'host': 'db'} } {password}"


def test_the_settings_of_the_compose_file_are_fit_for_production(services: dict[str, Any], tmp_path: Path) -> None:
    given = {
        **SECRETS,
        "INSTALLATION": "compose",
        "EMAIL_URL": "consolemail://",
        "ALLOWED_HOSTS": "portal.example.com",
        "POSTGRES_PASSWORD": "p",
    }
    assert set(given) == {*REQUIRED}

    def filled(text: str) -> str:
        return re.sub(r"\$\{(\w+):([?-])([^}]*)\}", lambda m: given.get(m[1], m[3] if m[2] == "-" else ""), text)

    environment = {name: filled(value) for name, value in services["web"]["environment"].items()}
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    command = [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"]
    said = subprocess.run(
        command,
        cwd=clone(tmp_path),
        env={**kept, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert said.returncode == 0, said.stderr


def lines() -> list[str]:
    text = (ROOT / "Containerfile").read_text().replace("\\\n", " ")
    return [" ".join(line.split()) for line in text.splitlines() if line.strip() and not line.startswith("#")]


def test_the_image_is_pinned_runs_as_nobody_and_holds_no_secret() -> None:
    found = lines()
    assert found[0] == "FROM python:3.11-slim"
    assert any("--require-hashes -r requirements.txt" in line for line in found)
    assert found.index("USER 10001") < next(n for n, line in enumerate(found) if line.startswith("CMD"))
    ignored = (ROOT / ".dockerignore").read_text().split()
    assert {".env", ".env.*", ".git", "var"} <= set(ignored)


def test_the_images_own_command_for_static_files_works_without_settings(tmp_path: Path) -> None:
    command = next(line for line in lines() if "collectstatic" in line).removeprefix("RUN ")
    kept = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "STATIC_ROOT": str(tmp_path / "static")}
    own = {"SANDBOX": "false", "SERVE_STATIC_FROM_SOURCE": "false"}
    said = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env={**kept, **own}, capture_output=True, text=True, timeout=120, check=False
    )
    assert said.returncode == 0, said.stderr
    assert (tmp_path / "static" / "staticfiles.json").exists()


def test_gunicorn_speaks_as_all_others_do_and_opens_no_second_door(tmp_path: Path) -> None:
    """In a home that cannot be written to, as in a container."""
    own = {"LOG_FORMAT": "json", "LOG_LEVEL": "WARNING", "SANDBOX": "false", "HOME": str(tmp_path / "none")}
    given = {"SECRET_KEY": "x" * 50, "FIELD_ENCRYPTION_KEYS": "V2VsY29tZSB0byB0aGUgdGVzdHMsIGtleSBudW1iZXI="}
    gunicorn = str(Path(sys.executable).with_name("gunicorn"))
    command = [gunicorn, "myogo.wsgi", "--bind", "127.0.0.1:0", "--workers", "1", "--threads", "2"]
    environment = {"PATH": os.environ["PATH"], **own, **given}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True) as web:
        assert web.stderr
        said = []
        for line in web.stderr:
            said.append(line)
            if "Booting worker" in line:
                web.terminate()
    said = [json.loads(line)["message"] for line in said]
    assert said[0].startswith("Starting gunicorn")
    assert said[-1] == "Shutting down: Master"
    assert not [message for message in said if "control socket" in message.lower()]
