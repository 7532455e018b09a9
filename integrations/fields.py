"""Secrets: encrypted in the database, masked on the screen.

The column holds `enc1:` and a Fernet token. Keys come from `FIELD_ENCRYPTION_KEYS`, newest first: the first encrypts,
all decrypt. How a new key comes: docs/operations.md, *Keys*.
"""

import hashlib
from functools import lru_cache
from typing import Any

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django import forms
from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.utils.translation import gettext_lazy as _

PREFIX = "enc1:"


class Undecipherable(ImproperlyConfigured):
    """None of the configured keys opens this secret. The cipher text is never given out in its place."""


@lru_cache(maxsize=4)
def _box(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(key.encode()) for key in keys])


def encrypt(text: str) -> str:
    return PREFIX + _box(tuple(settings.FIELD_ENCRYPTION_KEYS)).encrypt(text.encode()).decode()


def decrypt(cipher: str) -> str:
    try:
        return _box(tuple(settings.FIELD_ENCRYPTION_KEYS)).decrypt(cipher.removeprefix(PREFIX).encode()).decode()
    except InvalidToken:
        raise Undecipherable("FIELD_ENCRYPTION_KEYS holds no key that opens a stored secret.") from None


def rotate(cipher: str) -> str:
    """The same secret under the newest key."""
    return encrypt(decrypt(cipher))


def fingerprint(secret: str) -> str:
    """Three bytes by which two people can tell whether they mean the same key, as in `9f:2c:41`; says nothing else."""
    digest = hashlib.sha256(b"myogo fingerprint " + secret.encode()).digest()
    return digest[:3].hex(":")


class Secret:
    """A secret that shows nothing by accident: only `reveal()` gives the text out."""

    __slots__ = ("_cipher", "is_new")

    def __init__(self, cipher: str, *, is_new: bool = False) -> None:
        self._cipher = cipher
        self.is_new = is_new  # typed just now, not read from a row

    @classmethod
    def of(cls, text: str) -> "Secret":
        return cls(encrypt(text) if text else "", is_new=True)

    @property
    def cipher(self) -> str:
        return self._cipher

    def reveal(self) -> str:
        """The text itself. Raises `Undecipherable` where no configured key opens it."""
        return decrypt(self._cipher) if self._cipher else ""

    def __bool__(self) -> bool:
        return bool(self._cipher)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self.reveal() == other.reveal()

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "•" * 12

    __str__ = __repr__


class _SecretAttribute(DeferredAttribute):
    """Whatever is assigned, the model instance holds a `Secret`."""

    def __set__(self, instance: models.Model, value: object) -> None:
        instance.__dict__[self.field.attname] = self.field.to_python(value)


class SecretField(models.TextField[Any, Secret]):
    """A text that only a process with the key can read. Cannot be searched; the instance holds a `Secret`."""

    descriptor_class = _SecretAttribute

    def to_python(self, value: Any) -> Any:
        if isinstance(value, str):
            return Secret(value) if value.startswith(PREFIX) else Secret.of(value)
        return value

    def from_db_value(self, value: str | None, *args: object) -> Secret | None:
        return None if value is None else Secret(value)

    def get_prep_value(self, value: Any) -> Any:
        value = self.to_python(value)
        return value.cipher if isinstance(value, Secret) else value

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name == "isnull" else None

    def value_to_string(self, obj: models.Model) -> str:
        """Dumped data carries the cipher text, never the secret."""
        secret = self.value_from_object(obj)
        return secret.cipher if isinstance(secret, Secret) else ""


class SecretInput(forms.PasswordInput):
    """Never sends the secret back to the browser."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        quiet = {"autocomplete": "new-password", "spellcheck": "false", "autocapitalize": "off"}  # "off" is filled in
        super().__init__(attrs={**quiet, **(attrs or {})}, render_value=False)


class SecretFormField(forms.CharField):
    """Write-only: left empty, the stored secret stays."""

    widget = SecretInput

    def keep(self, print_: str) -> None:
        """A secret with this fingerprint is stored: show its mask, and let an empty field mean *unchanged*."""
        self.required = False
        self.widget.is_required = False
        self.widget.attrs["placeholder"] = "••••••••••••"
        self.help_text = _("Stored encrypted; fingerprint %(print)s. Leave it empty to keep it.") % {"print": print_}
