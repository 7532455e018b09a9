"""Secrets at rest: cipher text in the row, nothing by accident, keys that rotate."""

import json
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.core import serializers
from django.core.exceptions import FieldError
from django.core.management import call_command
from django.db import connection

from integrations.fields import PREFIX, Secret, Undecipherable, fingerprint
from integrations.models import Integration
from tests import factories

pytestmark = pytest.mark.django_db
SECRET = "sesam-oppna-dig-7"


def stored(integration: Integration) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM integrations_integration WHERE id = %s", [integration.pk])
        return str(cursor.fetchone()[0])


def test_the_row_holds_cipher_text_and_the_instance_gives_the_secret_back() -> None:
    integration = factories.integration(secret=SECRET)
    assert stored(integration).startswith(PREFIX)
    assert SECRET not in stored(integration)
    assert Integration.objects.get().secret.reveal() == SECRET


def test_nothing_shows_the_secret_by_accident() -> None:
    integration = factories.integration(secret=SECRET)
    dump = serializers.serialize("json", [integration])
    shown = f"{integration.secret} {integration.secret!r} {integration!r} {vars(integration)} {dump}"
    assert SECRET not in shown


def test_the_fingerprint_tells_keys_apart_and_is_stored() -> None:
    integration = factories.integration(secret=SECRET)
    assert integration.secret_print == fingerprint(SECRET)
    assert fingerprint(SECRET) != fingerprint(SECRET + "!")
    assert len(fingerprint(SECRET)) == 8


def test_a_dump_can_be_loaded_again() -> None:
    factories.integration(secret=SECRET)
    dump = serializers.serialize("json", Integration.objects.all())
    assert SECRET not in dump
    restored = next(serializers.deserialize("json", json.dumps(json.loads(dump))))
    assert isinstance(restored.object, Integration)
    assert restored.object.secret.reveal() == SECRET


def test_a_secret_cannot_be_searched() -> None:
    with pytest.raises(FieldError):
        Integration.objects.filter(secret=SECRET).exists()


def test_a_new_key_in_front_still_opens_the_old_and_reencrypt_frees_the_old_one(settings: LazySettings) -> None:
    integration = factories.integration(secret=SECRET)
    old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    assert Integration.objects.get().secret.reveal() == SECRET
    out = StringIO()
    call_command("reencrypt", stdout=out)
    assert "1 secrets" in out.getvalue()
    settings.FIELD_ENCRYPTION_KEYS = [new]
    integration.refresh_from_db()
    assert integration.secret.reveal() == SECRET


def test_without_the_key_the_row_loads_and_only_revealing_fails(settings: LazySettings) -> None:
    factories.integration(secret=SECRET)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    integration = Integration.objects.get()
    assert integration.secret
    with pytest.raises(Undecipherable) as caught:
        integration.secret.reveal()
    assert PREFIX not in str(caught.value)


def test_an_empty_secret_is_empty() -> None:
    assert not Secret.of("")
    assert Secret.of("").reveal() == ""
