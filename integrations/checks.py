"""Dangerous settings, told at start with a hint."""

from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register


@register(Tags.security)
def keys_are_good(**kwargs: Any) -> list[CheckMessage]:
    """Every key of FIELD_ENCRYPTION_KEYS is a Fernet key."""
    if not settings.FIELD_ENCRYPTION_KEYS:
        return [Error("FIELD_ENCRYPTION_KEYS is empty.", hint=_NEW_KEY, id="integrations.E001")]
    return [
        Error(
            f"Key number {number} of FIELD_ENCRYPTION_KEYS is not a Fernet key.", hint=_NEW_KEY, id="integrations.E002"
        )
        for number, key in enumerate(settings.FIELD_ENCRYPTION_KEYS, 1)
        if not _is_key(key)
    ]


_NEW_KEY = "Make one with `python manage.py newkey`; where there are others already, see *Keys* in docs/operations.md."


def _is_key(text: str) -> bool:
    try:
        Fernet(text.encode())
    except ValueError:
        return False
    return True


@register(Tags.security, deploy=True)
def sandbox_is_off(**kwargs: Any) -> list[CheckMessage]:
    """The stand-in for Centra has an open sign-in: never where strangers come."""
    if not settings.SANDBOX:
        return []
    return [Warning("The sandbox is on.", hint="Set SANDBOX=false in production.", id="integrations.W001")]


@register(Tags.security, deploy=True)
def shops_are_outside(**kwargs: Any) -> list[CheckMessage]:
    """A Base URL is a stranger's input; with this setting it reaches into our own network."""
    if not settings.ALLOW_PRIVATE_SHOP_ADDRESSES:
        return []
    hint = "Set ALLOW_PRIVATE_SHOP_ADDRESSES=false in production."
    return [Warning("Shops may lie at private addresses.", hint=hint, id="integrations.W002")]


@register(Tags.security, deploy=True)
def engines_are_real(**kwargs: Any) -> list[CheckMessage]:
    """Several processes need a broker and a cache that they share."""
    found: list[CheckMessage] = []
    if urlsplit(settings.CELERY_BROKER_URL).scheme == "memory":
        hint = "Set CELERY_BROKER_URL=redis://…; the in-memory broker serves only `manage.py demo`."
        found.append(Warning("The broker lives in one process.", hint=hint, id="integrations.W003"))
    hint = "Set CACHE_URL=redis://…; sign-in attempts are counted there."
    if settings.CACHES["default"]["BACKEND"].endswith("LocMemCache"):
        found.append(Warning("The cache lives in one process.", hint=hint, id="integrations.W004"))
    elif settings.CACHES["default"]["BACKEND"].endswith("DummyCache"):
        found.append(Warning("The cache keeps nothing, and so counts nothing.", hint=hint, id="integrations.W004"))
    return found


@register(Tags.security, deploy=True)
def installation_is_named(**kwargs: Any) -> list[CheckMessage]:
    """With the name that everybody has, a copy of the database would take itself for the original."""
    if settings.INSTALLATION != "myogo":
        return []
    hint = "Set INSTALLATION to a name of this installation alone, another one for every copy (docs/operations.md)."
    return [Warning("The installation has no name of its own.", hint=hint, id="integrations.W005")]


@register(Tags.security, deploy=True)
def proxies_are_counted(**kwargs: Any) -> list[CheckMessage]:
    """Sign-in attempts are limited per address: that of the proxy is everybody's."""
    proxy = getattr(settings, "SECURE_PROXY_SSL_HEADER", None)
    if settings.SECURE_SSL_REDIRECT and not proxy:
        hint = "Set BEHIND_PROXY=true and TRUSTED_PROXIES; else every page is sent on to https without end."
        return [Warning("HTTPS is on, and no proxy is named that does it.", hint=hint, id="integrations.W006")]
    if proxy and not settings.ALLAUTH_TRUSTED_PROXY_COUNT:
        hint = (
            "Set TRUSTED_PROXIES to how many proxies append to X-Forwarded-For; else all visitors have one address, "
            "and thirty wrong passwords in five minutes, from anywhere, lock everybody out."
        )
        return [Warning("There is a proxy, and TRUSTED_PROXIES is 0.", hint=hint, id="integrations.W007")]
    return []


@register(Tags.security, deploy=True)
def addresses_are_confirmed(**kwargs: Any) -> list[CheckMessage]:
    """Else anybody is whoever they say they are; the sandbox is complained of by itself."""
    if settings.SANDBOX or settings.ACCOUNT_EMAIL_VERIFICATION == "mandatory":
        return []
    found = "Who signs up need not show that the email address is theirs."
    return [Warning(found, hint="Set EMAIL_VERIFICATION=mandatory, or leave it out.", id="integrations.W008")]


@register(Tags.security, deploy=True)
def hosts_are_named(**kwargs: Any) -> list[CheckMessage]:
    """Mails hold the address that the request came to: with any host name, a stranger's."""
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    hint = "Set ALLOWED_HOSTS to the portal's host names."
    return [Warning("Every host name is taken for the portal's.", hint=hint, id="integrations.W009")]


@register(deploy=True)
def waits_outlast_calls(**kwargs: Any) -> list[CheckMessage]:
    """What a call may still be doing is not asked for again, and no lease ends during one."""
    found: list[CheckMessage] = []
    if settings.LOST_ANSWER_SECONDS <= settings.SHOP_TOTAL_SECONDS:
        hint = "LOST_ANSWER_SECONDS should be longer than SHOP_TOTAL_SECONDS, by what a shop needs to finish."
        found.append(Warning("What was asked of a shop is repeated too early.", hint=hint, id="integrations.W010"))
    if settings.SHOP_TOTAL_SECONDS > settings.LEASE_SECONDS / 2:
        hint = "SHOP_TOTAL_SECONDS should be at most half of LEASE_SECONDS."
        found.append(Warning("A call may last longer than its lease.", hint=hint, id="integrations.W011"))
    return found


@register(Tags.security)
def installation_fits(**kwargs: Any) -> list[CheckMessage]:
    if 0 < len(settings.INSTALLATION) <= 100:
        return []
    return [Error("INSTALLATION has 1 to 100 characters.", id="integrations.E004")]


@register()
def lease_outlasts_turn(**kwargs: Any) -> list[CheckMessage]:
    """A run must be able to give its place back before its lease is over."""
    if settings.LEASE_SECONDS >= 2 * settings.TURN_SECONDS:
        return []
    hint = "LEASE_SECONDS should be at least twice TURN_SECONDS."
    return [Error("A lease ends before a turn does.", hint=hint, id="integrations.E003")]
