"""Dangerous settings are told at start, with a hint."""

import pytest
from django.conf import LazySettings

from integrations import checks


def test_good_keys_pass(settings: LazySettings) -> None:
    assert checks.keys_are_good() == []


@pytest.mark.parametrize(("keys", "error"), [([], "integrations.E001"), (["not-a-key"], "integrations.E002")])
def test_bad_keys_are_an_error(settings: LazySettings, keys: list[str], error: str) -> None:
    settings.FIELD_ENCRYPTION_KEYS = keys
    found = checks.keys_are_good()
    assert [message.id for message in found] == [error]
    assert "newkey" in str(found[0].hint)


def test_the_sandbox_and_private_addresses_are_named_before_production(settings: LazySettings) -> None:
    settings.SANDBOX = settings.ALLOW_PRIVATE_SHOP_ADDRESSES = True
    assert [checks.sandbox_is_off()[0].id, checks.shops_are_outside()[0].id] == [
        "integrations.W001",
        "integrations.W002",
    ]
    settings.SANDBOX = settings.ALLOW_PRIVATE_SHOP_ADDRESSES = False
    assert checks.sandbox_is_off() == checks.shops_are_outside() == []


def test_engines_of_one_process_are_named_before_production(settings: LazySettings) -> None:
    settings.CELERY_BROKER_URL = "memory://localhost/"
    assert [message.id for message in checks.engines_are_real()] == ["integrations.W003", "integrations.W004"]
    settings.CELERY_BROKER_URL = "redis://localhost/0"
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://localhost/1"}
    }
    assert checks.engines_are_real() == []


def test_a_lease_must_outlast_a_turn(settings: LazySettings) -> None:
    settings.LEASE_SECONDS, settings.TURN_SECONDS = 30, 20
    assert [message.id for message in checks.lease_outlasts_turn()] == ["integrations.E003"]
    settings.LEASE_SECONDS = 40
    assert checks.lease_outlasts_turn() == []
