"""What every test may ask for."""

from collections.abc import Callable

import pytest
from django.test import Client

from merchants.models import Merchant, User
from tests import factories


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
