"""The settings as production has them: `check --deploy` without a warning, sessions and forms of one's own."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.contrib.sessions.models import Session
from django.http import HttpResponseBase
from django.test import Client
from django.urls import reverse

from merchants.models import Merchant, User
from tests import factories
from tests.addresses import make_world, of, sandbox_urls, url_of
from tests.clone import ROOT, clone
from tests.security.test_content_policy import POLICY, inline_parts, policy_of

Manage = Callable[..., subprocess.CompletedProcess[str]]
NAMES = (
    "DEBUG SECURE_SSL_REDIRECT SECURE_HSTS_SECONDS SECURE_HSTS_INCLUDE_SUBDOMAINS SECURE_HSTS_PRELOAD "
    "SESSION_COOKIE_SECURE SESSION_COOKIE_HTTPONLY SESSION_COOKIE_SAMESITE CSRF_COOKIE_SECURE CSRF_COOKIE_HTTPONLY "
    "CSRF_COOKIE_SAMESITE SECURE_CONTENT_TYPE_NOSNIFF SECURE_REFERRER_POLICY X_FRAME_OPTIONS "
    "SECURE_CROSS_ORIGIN_OPENER_POLICY SECURE_PROXY_SSL_HEADER SANDBOX ALLOW_PRIVATE_SHOP_ADDRESSES SESSION_COOKIE_AGE "
    "ACCOUNT_EMAIL_VERIFICATION EMAIL_TIMEOUT"
)
# What the README tells to set, and nothing else: the rest must be right by itself.
PRODUCTION = {
    "SECRET_KEY": "w" * 20 + "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJ",
    "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    "ALLOWED_HOSTS": "portal.example.com",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/0",
    "CACHE_URL": "redis://127.0.0.1:1/1",
    "EMAIL_URL": "smtp+tls://u:p@127.0.0.1:25",
    "PORTAL_URL": "https://portal.example.com",
    "INSTALLATION": "production",
    "BEHIND_PROXY": "true",
    "TRUSTED_PROXIES": "1",
}


def test_they_are_what_the_readme_tells_to_set_and_operations_too() -> None:
    readme = (ROOT / "README.md").read_text().partition("## Running it for real")[2].partition("```\n")[2]
    assert set(re.findall(r"\b([A-Z_]+)=", readme.partition("```")[0])) == set(PRODUCTION)
    table = (ROOT / "docs" / "operations.md").read_text().partition("## Settings")[2].partition("\n## ")[0]
    assert set(PRODUCTION) <= set(re.findall(r"`([A-Z_]+)`", table))


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone without the .env of a demo, which ran in this checkout perhaps."""
    return clone(tmp_path_factory.mktemp("fresh"))


@pytest.fixture(scope="module")
def manage(fresh: Path) -> Manage:
    return lambda *words, **changes: run_manage(fresh, *words, **changes)


def run_manage(folder: Path, *words: str, **changes: str) -> subprocess.CompletedProcess[str]:
    """manage.py in a process with an environment of production."""
    basics = {key: os.environ[key] for key in ("PATH", "HOME", "LANG") if key in os.environ}
    environment = {**basics, **PRODUCTION, **changes, "DJANGO_SETTINGS_MODULE": "myogo.settings"}
    command = [sys.executable, "-W", "error", "manage.py", *words]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def production(manage: Manage) -> dict[str, Any]:
    """The settings that a process of production has."""
    values = f"{{name: getattr(settings, name) for name in '{NAMES}'.split()}}"
    show = f"import json; from django.conf import settings; print(json.dumps({values}))"
    said = manage("shell", "--no-imports", "-c", show)
    assert said.returncode == 0, said.stderr
    found: dict[str, Any] = json.loads(said.stdout.strip().splitlines()[-1])
    return found


def test_check_deploy_finds_nothing(manage: Manage) -> None:
    said = manage("check", "--deploy", "--fail-level", "WARNING")
    assert said.returncode == 0, said.stderr
    assert "no issues" in said.stdout
    assert "silenced" not in said.stdout.replace("(0 silenced)", "")


@pytest.mark.parametrize(
    ("changes", "id_"),
    [
        ({"HTTPS": "false"}, "security.W008"),
        ({"DEBUG": "true"}, "security.W018"),
        ({"SECRET_KEY": "short"}, "security.W009"),
        ({"HSTS_SECONDS": "0"}, "security.W004"),
        ({"SANDBOX": "true"}, "integrations.W001"),
        ({"ALLOW_PRIVATE_SHOP_ADDRESSES": "true"}, "integrations.W002"),
        ({"CELERY_BROKER_URL": "memory://localhost/"}, "integrations.W003"),
        ({"CACHE_URL": "locmemcache://"}, "integrations.W004"),
        ({"CACHE_URL": "dummycache://"}, "integrations.W004"),
        ({"ALLOWED_HOSTS": "portal.example.com,*"}, "integrations.W009"),
        ({"LOST_ANSWER_SECONDS": "45"}, "integrations.W010"),
        ({"SHOP_TOTAL_SECONDS": "61"}, "integrations.W011"),
        ({"BEHIND_PROXY": "false"}, "integrations.W006"),
        ({"TRUSTED_PROXIES": "0"}, "integrations.W007"),
        ({"EMAIL_VERIFICATION": "none"}, "integrations.W008"),
        ({"EMAIL_VERIFICATION": "optional"}, "integrations.W008"),
        ({"INSTALLATION": "myogo"}, "integrations.W005"),
        ({"FIELD_ENCRYPTION_KEYS": "no-key"}, "integrations.E002"),
        ({"KEEP_PERSONAL_DATA_MONTHS": "0"}, "orders.E001"),
    ],
)
def test_check_deploy_finds_what_is_dangerous(manage: Manage, changes: dict[str, str], id_: str) -> None:
    """Else finding nothing would show nothing."""
    said = manage("check", "--deploy", "--fail-level", "WARNING", **changes)
    assert said.returncode != 0
    assert id_ in said.stderr


def test_the_sandbox_is_tried_out_without_mail(manage: Manage) -> None:
    show = "from django.conf import settings; print(settings.ACCOUNT_EMAIL_VERIFICATION)"
    assert manage("shell", "--no-imports", "-c", show, SANDBOX="true").stdout.split() == ["none"]
    assert "integrations.W008" not in manage("check", "--deploy", SANDBOX="true").stderr


def test_nothing_dangerous_is_silenced(settings: LazySettings) -> None:
    assert settings.SILENCED_SYSTEM_CHECKS == []


def test_production_s_settings_are_those_of_a_page_with_logins(production: dict[str, Any]) -> None:
    assert production == {
        "DEBUG": False,
        "SECURE_SSL_REDIRECT": True,
        "SECURE_HSTS_SECONDS": 31_536_000,
        "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
        "SECURE_HSTS_PRELOAD": True,
        "SESSION_COOKIE_SECURE": True,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "CSRF_COOKIE_SECURE": True,
        "CSRF_COOKIE_HTTPONLY": True,
        "CSRF_COOKIE_SAMESITE": "Lax",
        "SECURE_CONTENT_TYPE_NOSNIFF": True,
        "SECURE_REFERRER_POLICY": "same-origin",
        "X_FRAME_OPTIONS": "DENY",
        "SECURE_CROSS_ORIGIN_OPENER_POLICY": "same-origin",
        "SECURE_PROXY_SSL_HEADER": ["HTTP_X_FORWARDED_PROTO", "https"],
        "SANDBOX": False,
        "ALLOW_PRIVATE_SHOP_ADDRESSES": False,
        "SESSION_COOKIE_AGE": 1_209_600,
        "ACCOUNT_EMAIL_VERIFICATION": "mandatory",
        "EMAIL_TIMEOUT": 10,
    }


def test_a_proxy_s_word_counts_only_where_it_is_said_that_there_is_one(manage: Manage) -> None:
    """Else anybody could say X-Forwarded-Proto: https."""
    show = "from django.conf import settings; print(settings.SECURE_PROXY_SSL_HEADER)"
    assert manage("shell", "--no-imports", "-c", show, BEHIND_PROXY="false").stdout.strip() == "None"


# --- what a browser gets -----------------------------------------------------------------------------


@pytest.fixture
def as_in_production(production: dict[str, Any], settings: LazySettings) -> None:
    for name, value in production.items():
        if name not in ("SANDBOX", "ALLOW_PRIVATE_SHOP_ADDRESSES"):
            setattr(settings, name, value)


@pytest.mark.django_db
@pytest.mark.usefixtures("as_in_production")
def test_cookies_are_for_https_for_no_script_and_for_our_own_pages() -> None:
    user, client = factories.user(), Client()
    client.get(reverse("account_login"), secure=True)
    client.post(reverse("account_login"), {"login": user.email, "password": factories.PASSWORD}, secure=True)
    assert {"sessionid", "csrftoken"} <= set(client.cookies)
    for name in ("sessionid", "csrftoken"):
        cookie = client.cookies[name]
        flags = (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["domain"], cookie["path"])
        assert flags == (True, True, "Lax", "", "/"), name


@pytest.mark.django_db
@pytest.mark.usefixtures("as_in_production")
def test_http_is_sent_on_to_https_and_told_to_stay_there(merchant: Merchant) -> None:
    for url in ("/", reverse("account_login"), "/admin/", reverse("orders:list", args=[merchant.pk]), "/nowhere/"):
        answer = Client().get(url)
        assert (answer.status_code, answer["Location"]) == (301, f"https://testserver{url}")
    said = Client().get(reverse("account_login"), secure=True)["Strict-Transport-Security"]
    assert said == "max-age=31536000; includeSubDomains; preload"


@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize("is_https", [True, False])
@pytest.mark.parametrize("host", ["evil.example", "evil.example/x", "\xa0", ""])
def test_another_host_is_refused(settings: LazySettings, host: str, is_https: bool) -> None:
    """An address in a mail is never built from what a stranger said the host is."""
    settings.ALLOWED_HOSTS = ["portal.example.com"]
    client = Client(raise_request_exception=False)
    answer = client.get("/accounts/login/", headers={"Host": host}, secure=is_https)
    assert answer.status_code == 400
    assert "evil.example" not in answer.content.decode()
    assert inline_parts(answer.content.decode()) == []
    assert unguarded(answer) == {}


@pytest.mark.django_db
@pytest.mark.usefixtures("as_in_production")
@pytest.mark.parametrize(
    "address", ["/health/live", "/health/ready", "/accounts/login/", "/%00", "/nowhere/", "/admin/"]
)
@pytest.mark.parametrize("is_https", [True, False])
def test_whatever_is_answered_first_has_the_headers_of_every_page(address: str, is_https: bool) -> None:
    answer = Client(raise_request_exception=False).get(address, secure=is_https)
    assert unguarded(answer) == {}
    assert ("Strict-Transport-Security" in answer) == is_https


def unguarded(answer: HttpResponseBase) -> dict[str, str | None]:
    """The headers that keep a browser on its guard, as far as they are not what they should be."""
    wanted = {
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }
    found = {name: answer.get(name) for name, value in wanted.items() if answer.get(name) != value}
    return found if policy_of(answer) == POLICY else {**found, "Content-Security-Policy": None}


# --- sessions ----------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_session_is_a_new_one_after_signing_in_and_gone_after_signing_out() -> None:
    user, client = factories.user(), Client()
    session = client.session
    session["x"] = 1
    session.save()
    before = session.session_key
    client.post(reverse("account_login"), {"login": user.email, "password": factories.PASSWORD})
    during = client.session.session_key
    assert before != during
    assert not Session.objects.filter(session_key=before).exists()
    assert client.get(reverse("account_logout")).status_code == 200, "looking signs nobody out"
    assert Session.objects.filter(session_key=during).exists()
    client.post(reverse("account_logout"))
    assert not Session.objects.filter(session_key=during).exists()


@pytest.mark.django_db
def test_another_password_ends_every_other_session(page: Client, owner: User, merchant: Merchant) -> None:
    thief = Client()
    thief.force_login(owner)
    url = reverse("orders:list", args=[merchant.pk])
    assert thief.get(url).status_code == 200
    new = "another-quiet-harbour-43"
    page.post(
        reverse("account_change_password"),
        {"oldpassword": factories.PASSWORD, "password1": new, "password2": new},
    )
    owner.refresh_from_db()
    assert owner.check_password(new)
    assert thief.get(url).status_code == 302
    assert page.get(url).status_code == 200


@pytest.mark.django_db
def test_who_is_switched_off_is_out_at_once(page: Client, owner: User, merchant: Merchant) -> None:
    User.objects.filter(pk=owner.pk).update(is_active=False)
    assert page.get(reverse("orders:list", args=[merchant.pk])).status_code == 302


# --- forms that another page sends in one's name ---------------------------------------------------


@pytest.mark.django_db
def test_no_form_is_taken_without_its_token() -> None:
    """By a merchant, by staff, at the door, at the stand-in; only its API, which has a key, needs none."""
    world = make_world()
    urls = [url_of(one, world) for one in of("merchant") + of("signed in")]
    urls += [reverse("account_login"), reverse("account_logout"), reverse("account_signup"), "/admin/", "/sandbox/"]
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.owner)
    client.get(reverse("merchants:company", args=[world.merchant.pk]))  # brings the cookie
    passed = []
    for url in urls:
        for sent in ({}, {"csrfmiddlewaretoken": "x" * 64}):
            answer = client.post(url, sent)
            if answer.status_code not in (403, 405):
                passed.append((url, answer.status_code))
    assert passed == []


@pytest.mark.django_db
def test_only_the_stand_in_s_api_is_exempt() -> None:
    exempt = {
        address.name or address.route
        for group in ("merchant", "signed in", "desk", "account", "sandbox")
        for address in of(group)
        if getattr(address.view, "csrf_exempt", False)
    }
    assert exempt == {"sandbox:api", "sandbox:api_root", "sandbox:"}
    assert sandbox_urls()


@pytest.mark.django_db
@pytest.mark.usefixtures("as_in_production")
def test_a_form_from_another_page_is_refused_even_with_a_token(owner: User, merchant: Merchant) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(owner)
    url = reverse("merchants:company", args=[merchant.pk])
    client.get(url, secure=True)
    token = client.cookies["csrftoken"].value
    sent = {"csrfmiddlewaretoken": token, "name": "Stolen"}
    for origin in ("https://evil.example", "http://testserver", "null"):
        assert client.post(url, sent, secure=True, headers={"Origin": origin}).status_code == 403
    own = client.post(
        url, {**sent, "time_zone": "Europe/Stockholm"}, secure=True, headers={"Origin": "https://testserver"}
    )
    assert own.status_code == 302
