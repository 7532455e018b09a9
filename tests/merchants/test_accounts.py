"""Signing up, signing in, guessing passwords, several merchants."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings, settings
from django.core import mail
from django.test import Client
from django.urls import reverse

from merchants.models import Merchant, User
from tests import factories
from tests.addresses import Address, account_url, of

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


def sign_in(client: Client, email: str, password: str = factories.PASSWORD) -> str:
    """The page after pressing *Sign in*."""
    return client.post(LOGIN, {"login": email, "password": password}, follow=True).content.decode()


def is_signed_in(client: Client) -> bool:
    return "_auth_user_id" in client.session


def test_signing_in_needs_the_right_password_whatever_the_case_of_the_email(client: Client, merchant: Merchant) -> None:
    factories.user(email="kim@nordlys.example")
    assert "not correct" in sign_in(client, "kim@nordlys.example", "wrong")
    assert not is_signed_in(client)
    sign_in(client, "Kim@Nordlys.example")
    assert is_signed_in(client)


def test_guessing_is_stopped_after_five_wrong_passwords(client: Client) -> None:
    factories.user(email="kim@nordlys.example")
    for _attempt in range(5):
        assert "not correct" in sign_in(client, "kim@nordlys.example", "wrong")
    page = sign_in(client, "kim@nordlys.example")
    assert "Too many failed login attempts" in page
    assert not is_signed_in(client)


def test_guessing_one_account_does_not_lock_another(client: Client) -> None:
    factories.user(email="kim@nordlys.example")
    other = factories.user()
    for _attempt in range(6):
        sign_in(client, "kim@nordlys.example", "wrong")
    sign_in(client, other.email)
    assert is_signed_in(client)


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"email": "no-address"}, "valid email"),
        ({"password1": "short"}, "too short"),
        ({"password1": "12345678901"}, "entirely numeric"),
        ({"name": ""}, "This field is required"),
    ],
)
def test_wrong_input_at_sign_up_is_told_and_kept(client: Client, typed: dict[str, str], words: str) -> None:
    good = {"name": "Kim Berg", "email": "kim@nordlys.example", "password1": "a-quiet-harbour-42"}
    page = client.post(reverse("account_signup"), {**good, **typed}).content.decode()
    assert words in page
    for name in ("name", "email"):
        assert f'value="{ {**good, **typed}[name] }"' in page or not {**good, **typed}[name]
    assert not User.objects.exists()


def test_a_taken_email_makes_no_second_account(client: Client) -> None:
    factories.user(email="kim@nordlys.example")
    typed = {"name": "Robin", "email": "KIM@nordlys.example", "password1": "a-quiet-harbour-42"}
    client.post(reverse("account_signup"), typed)
    assert User.objects.count() == 1


def test_a_forgotten_password_is_set_anew_by_mail(client: Client) -> None:
    user = factories.user(email="kim@nordlys.example")
    client.post(reverse("account_reset_password"), {"email": user.email})
    found = re.search(r"http://testserver(/\S+)", str(mail.outbox[0].body))
    assert found
    form = client.get(found.group(1), follow=True)
    address = form.redirect_chain[-1][0]
    client.post(address, {"password1": "another-harbour-43", "password2": "another-harbour-43"})
    sign_in(client, user.email, "another-harbour-43")
    assert is_signed_in(client)


def test_a_user_switches_between_merchants_and_comes_back_to_the_last(
    owner: User, page: Client, merchant: Merchant
) -> None:
    second = factories.merchant(owner, name="Zenith")
    factories.merchant(name="Not mine")
    text = page.get(reverse("orders:front_page", args=[merchant.pk])).content.decode()
    assert reverse("orders:front_page", args=[second.pk]) in text
    assert "Not mine" not in text
    page.get(reverse("orders:front_page", args=[second.pk]))
    assert page.get(reverse("merchants:home"))["Location"] == reverse("orders:front_page", args=[second.pk])
    for strange in ("", "x", "-1", "9" * 30, "²", "0"):
        page.cookies["last_merchant"] = strange
        assert page.get(reverse("merchants:home"))["Location"] == reverse("orders:front_page", args=[merchant.pk])


def test_after_sign_in_only_addresses_of_ours_are_followed(client: Client) -> None:
    user = factories.user()
    response = client.post(f"{LOGIN}?next=https://evil.example/", {"login": user.email, "password": factories.PASSWORD})
    assert response["Location"].startswith("/")


def test_signing_out_asks_first_and_ends_the_session(
    page: Client, merchant: Merchant, signed_in: Callable[[User], Client]
) -> None:
    page.get(reverse("account_logout"))
    assert is_signed_in(page)
    page.post(reverse("account_logout"))
    assert not is_signed_in(page)


def test_every_page_carries_the_strict_policy(client: Client) -> None:
    policy = client.get(LOGIN)["Content-Security-Policy"]
    directives = policy.split("; ")  # in no certain order
    assert "default-src 'none'" in directives
    assert "script-src 'self'" in directives
    assert "unsafe" not in policy


# --- words and look of allauth's further pages and mails ------------------------------------------


@pytest.mark.parametrize("address", of("account"), ids=lambda address: address.name)
@pytest.mark.parametrize("is_inside", [False, True])
def test_every_account_page_has_our_template(client: Client, address: Address, is_inside: bool) -> None:
    user = factories.user()
    if address.name == "account_set_password":
        user.set_unusable_password()
        user.save()
    if is_inside:
        client.force_login(user)
    answer = client.get(account_url(address, user))
    if answer.status_code == 302:
        assert answer["Location"].startswith("/")
        return
    origin = Path(answer.templates[0].origin.name)
    assert origin.is_relative_to(settings.BASE_DIR / "templates"), origin
    text = answer.content.decode()
    assert 'class="quiet"' in text
    assert "Menu:" not in text
    assert len(re.findall("<h1", text)) == 1


@pytest.mark.parametrize("gone", ["email", "reauthenticate", "login/code/confirm", "login/code", "3rdparty", ""])
def test_pages_that_nothing_leads_to_are_not_there(page: Client, gone: str) -> None:
    assert page.get(f"/accounts/{gone}/".replace("//", "/")).status_code == 404


def test_a_closed_account_is_told_so_and_not_signed_in(client: Client) -> None:
    factories.user(email="kim@nordlys.example", is_active=False)
    assert "This account is closed" in sign_in(client, "kim@nordlys.example")
    assert not is_signed_in(client)


def test_where_addresses_are_confirmed_a_newcomer_signs_in_by_the_link_in_the_mail(
    client: Client, settings: LazySettings
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    typed = {"name": "Kim Berg", "email": "kim@nordlys.example", "password1": "a-quiet-harbour-42"}
    sent = client.post(reverse("account_signup"), typed, follow=True).content.decode()
    assert "Look into your mailbox" in sent
    assert not is_signed_in(client)
    mailed = mail.outbox[0]
    assert mailed.subject == "myOGO: Confirm your email address"
    found = re.search(r"http://testserver(/\S+)", str(mailed.body))
    assert found
    assert "Is kim@nordlys.example your address?" in client.get(found.group(1)).content.decode()
    client.post(found.group(1))
    assert "This link works no more" in client.get("/accounts/confirm-email/no-key/").content.decode()
    sign_in(client, "kim@nordlys.example", "a-quiet-harbour-42")
    assert is_signed_in(client)


def test_who_has_no_password_chooses_one(client: Client) -> None:
    user = factories.user()
    user.set_unusable_password()
    user.save()
    client.force_login(user)
    form = client.get(reverse("account_change_password"), follow=True)
    assert "Choose a password" in form.content.decode()
    client.post(form.redirect_chain[-1][0], {"password1": "another-harbour-43", "password2": "another-harbour-43"})
    user.refresh_from_db()
    assert user.check_password("another-harbour-43")


@pytest.mark.parametrize(
    ("name", "typed", "subject"),
    [
        ("account_reset_password", {"email": "kim@nordlys.example"}, "Choose a new password"),
        ("account_reset_password", {"email": "nobody@nordlys.example"}, "No account with this address"),
    ],
)
def test_mails_are_in_our_words(client: Client, name: str, typed: dict[str, str], subject: str) -> None:
    factories.user(email="kim@nordlys.example")
    client.post(reverse(name), typed)
    assert mail.outbox[0].subject == f"myOGO: {subject}"
    body = str(mail.outbox[0].body)
    assert body.startswith("Hello,\n\nSomebody, probably you")
    assert "http://testserver/accounts/" in body
    assert "Thank you for using" not in body


def test_what_is_said_after_signing_in_out_and_a_new_password_is_ours(client: Client) -> None:
    user = factories.user()
    assert "Successfully" not in sign_in(client, user.email)
    new = {"oldpassword": factories.PASSWORD, "password1": "another-harbour-43", "password2": "another-harbour-43"}
    changed = client.post(reverse("account_change_password"), new, follow=True).content.decode()
    assert "Your password is changed." in changed
    assert "You are signed out." in client.post(reverse("account_logout"), follow=True).content.decode()


# --- the staff's desk ------------------------------------------------------------------------------


def test_staff_sign_in_by_the_desk_s_address_and_land_there(client: Client) -> None:
    staff = factories.user(is_staff=True, is_superuser=True)
    form = client.get(reverse("admin:index"), follow=True)
    address = form.redirect_chain[-1][0]
    assert address.startswith(LOGIN)
    answer = client.post(address, {"login": staff.email, "password": factories.PASSWORD}, follow=True)
    assert answer.redirect_chain[-1][0] == reverse("admin:index")
    assert answer.status_code == 200


def test_guessing_is_stopped_at_the_staff_s_desk_too(client: Client) -> None:
    staff = factories.user(email="sam@myogo.example", is_staff=True, is_superuser=True)
    for password in ["wrong"] * 6 + [factories.PASSWORD]:
        typed = {"username": staff.email, "login": staff.email, "password": password}
        answer = client.post(reverse("admin:login"), typed)
        if answer.status_code == 302:
            client.post(answer["Location"], typed)
    assert not is_signed_in(client)


def test_who_is_no_staff_is_told_so_at_the_desk(page: Client) -> None:
    assert page.get(reverse("admin:index"), follow=True).status_code == 403
