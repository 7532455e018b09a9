"""Keys change while the portal runs: the new one encrypts, the old one still opens, then it can go."""

import io
import itertools

import pytest
from cryptography.fernet import Fernet
from django.apps import apps
from django.conf import LazySettings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from integrations import fields
from integrations.fields import SecretField, Undecipherable
from integrations.management.commands import reencrypt
from integrations.models import Integration
from tests import factories
from tests.security.planted import TOKEN, found

pytestmark = pytest.mark.django_db


def ciphers() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT secret FROM integrations_integration ORDER BY id")
        return [str(row[0]) for row in cursor.fetchall()]


def opens(cipher: str, key: str) -> bool:
    try:
        return bool(Fernet(key).decrypt(cipher.removeprefix("enc1:").encode()))
    except Exception:
        return False


def rotate() -> str:
    out = io.StringIO()
    call_command("reencrypt", stdout=out)
    return out.getvalue()


@pytest.fixture
def keys(settings: LazySettings) -> tuple[str, str]:
    """The old one, in use, and a new one made by the command."""
    out = io.StringIO()
    call_command("newkey", stdout=out)
    return str(settings.FIELD_ENCRYPTION_KEYS[0]), out.getvalue().strip()


def test_the_whole_way_from_one_key_to_the_next(settings: LazySettings, keys: tuple[str, str]) -> None:
    old, new = keys
    for number in range(5):
        factories.integration(secret=f"{TOKEN}{number}")
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    assert [one.secret.reveal() for one in Integration.objects.order_by("pk")] == [f"{TOKEN}{n}" for n in range(5)]
    before = ciphers()
    said = rotate()
    assert said.startswith("5 secrets")
    assert found(said, TOKEN) == []
    after = ciphers()
    assert not set(before) & set(after)
    assert all(opens(cipher, new) and not opens(cipher, old) for cipher in after)
    settings.FIELD_ENCRYPTION_KEYS = [new]
    assert [one.secret.reveal() for one in Integration.objects.order_by("pk")] == [f"{TOKEN}{n}" for n in range(5)]


def test_what_is_saved_between_is_under_the_new_key(settings: LazySettings, keys: tuple[str, str]) -> None:
    old, new = keys
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    factories.integration(secret=TOKEN)
    assert [opens(ciphers()[0], key) for key in (new, old)] == [True, False]


def test_while_processes_are_restarted_one_by_one_each_opens_what_any_other_saves(
    settings: LazySettings, keys: tuple[str, str]
) -> None:
    """The steps of docs/operations.md, *Keys*: new behind, new in front, old gone. Some processes are a step behind."""
    old, new = keys
    steps = [[old], [old, new], [new, old], [new]]
    shop = factories.integration(secret=TOKEN)
    for before, after in itertools.pairwise(steps):
        for saving, opening in ((before, after), (after, before)):
            settings.FIELD_ENCRYPTION_KEYS = saving
            if after == [new]:
                rotate()  # comes before the old key goes
            else:
                shop.secret = TOKEN
                shop.save()
            settings.FIELD_ENCRYPTION_KEYS = opening
            assert Integration.objects.get().secret.reveal() == TOKEN, (saving, opening)


def test_without_the_first_step_they_would_not(settings: LazySettings, keys: tuple[str, str]) -> None:
    old, new = keys
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    factories.integration(secret=TOKEN)
    settings.FIELD_ENCRYPTION_KEYS = [old]
    with pytest.raises(Undecipherable):
        Integration.objects.get().secret.reveal()


def test_rotating_twice_and_rotating_after_a_death_is_the_same(
    settings: LazySettings, keys: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = keys
    for number in range(3):
        factories.integration(secret=f"{TOKEN}{number}")
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    real, turns = fields.rotate, []

    def deadly(cipher: str) -> str:
        turns.append(cipher)
        if len(turns) == 2:
            raise KeyboardInterrupt
        return real(cipher)

    monkeypatch.setattr(reencrypt, "rotate", deadly)
    with pytest.raises(KeyboardInterrupt):
        rotate()
    assert [opens(cipher, new) for cipher in ciphers()] == [True, False, False]
    assert [one.secret.reveal() for one in Integration.objects.order_by("pk")] == [f"{TOKEN}{n}" for n in range(3)]
    monkeypatch.setattr(reencrypt, "rotate", real)
    rotate()
    rotate()
    assert all(opens(cipher, new) for cipher in ciphers())


def test_one_secret_that_no_key_opens_does_not_keep_the_others_from_the_new_key(
    settings: LazySettings, keys: tuple[str, str]
) -> None:
    old, new = keys
    first, lost, last = (factories.integration(secret=f"{TOKEN}{number}") for number in range(3))
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    lost.secret = "under a key that is gone"
    lost.save()
    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    with pytest.raises(CommandError, match=rf"No key opens 1 of them: integrations.Integration {lost.pk}\."):
        rotate()
    settings.FIELD_ENCRYPTION_KEYS = [new]
    for row, number in ((first, 0), (last, 2)):
        row.refresh_from_db()
        assert row.secret.reveal() == f"{TOKEN}{number}"
    lost.refresh_from_db()
    with pytest.raises(Undecipherable):
        lost.secret.reveal()


def test_nothing_but_the_secret_of_a_row_is_written(settings: LazySettings, keys: tuple[str, str]) -> None:
    factories.integration(secret=TOKEN)
    settings.FIELD_ENCRYPTION_KEYS = [keys[1], keys[0]]
    before = {key: value for key, value in Integration.objects.values()[0].items() if key != "secret"}
    rotate()
    assert {key: value for key, value in Integration.objects.values()[0].items() if key != "secret"} == before


def test_each_kind_of_secret_is_rotated() -> None:
    there = {(model, field.name) for model in apps.get_models() for field in model._meta.get_fields()
             if isinstance(field, SecretField)}  # fmt: skip
    assert set(reencrypt.secret_fields()) == there == {(Integration, "secret")}


def test_whoever_is_signed_in_stays_so_while_the_key_of_sessions_changes(settings: LazySettings, page: Client) -> None:
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another-" + "y" * 50
    assert page.get("/merchants/new/").status_code == 200
    settings.SECRET_KEY_FALLBACKS = []
    settings.SECRET_KEY = "a-third-" + "z" * 50
    assert page.get("/merchants/new/").status_code == 302
