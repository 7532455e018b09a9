"""What every test may ask for."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.contrib.contenttypes.management import create_contenttypes
from django.core.cache import cache
from django.core.servers.basehttp import WSGIRequestHandler
from django.db.models.signals import post_migrate
from django.test import Client
from pytest_django.live_server_helper import LiveServer

from integrations.connectors import gate
from integrations.models import Integration
from merchants.models import Merchant, User
from myogo.tuning import tune
from sandbox.models import PluginMethod, Shop
from tests import factories, tools
from tests.network import nobody_outside as nobody_outside

# Head and body of an answer are two writes; else the second waits 40 ms until the first is acknowledged.
WSGIRequestHandler.disable_nagle_algorithm = True


def pytest_collection_finish() -> None:
    """All is imported: from here on this process is one that lives long."""
    tune()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> None:
    """Models and permissions are listed once, with the database; they outlive its emptying (`tests/kept.py`)."""
    post_migrate.disconnect(create_contenttypes)
    post_migrate.disconnect(dispatch_uid="django.contrib.auth.management.create_permissions")


@pytest.fixture(autouse=True)
def forgotten_attempts() -> Iterator[None]:
    """Attempts are counted in the cache; every test begins without any."""
    cache.clear()
    yield
    cache.clear()


@pytest.fixture(autouse=True)
def open_gate(request: pytest.FixtureRequest) -> Iterator[None]:
    """Without a database there is no installation to ask whether shops may be called."""
    has_one = {"db", "transactional_db", "live_server"} & set(request.fixturenames)
    if has_one or request.node.get_closest_marker("django_db"):
        yield
        return
    before = gate.asks(lambda *, is_write: None)
    yield
    gate.asks(before)


@pytest.fixture
def owner(db: None) -> User:
    return factories.user(name="Kim Berg")


@pytest.fixture
def merchant(owner: User) -> Merchant:
    return factories.merchant(owner, name="Nordlys Store")


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """A browser in which this user is signed in."""

    def sign_in(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return sign_in


@pytest.fixture
def page(owner: User, merchant: Merchant, signed_in: Callable[[User], Client]) -> Client:
    """The owner's browser."""
    return signed_in(owner)


@dataclass
class Centra:
    """A shop in the sandbox, served over HTTP, and an integration that points at it."""

    shop: Shop
    plugin: PluginMethod
    integration: Integration


@pytest.fixture
def centra(live_server: LiveServer) -> Centra:
    """An empty shop with a plugin that may do everything, connected to a merchant."""
    shop = Shop.open("nordlys", "Nordlys")
    plugin = shop.add_plugin("order-api", "a-secret-api-key")
    integration = factories.integration(base_url=f"{live_server.url}/sandbox/nordlys/api/order-api", name="Nordlys")
    return Centra(shop, plugin, integration)


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out, loudly, what needs a tool that is not installed."""
    tool = tools.missing_in(collection_path)
    if not tool:
        return None
    tools.left_out.append(f"{collection_path.relative_to(Path(__file__).parent)} needs {tool}")
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in tools.left_out:
        terminalreporter.write_line(f"NOT RUN: {line}; install requirements-dev.txt", yellow=True)
