"""Signing up, signing in, guessing passwords, several merchants."""

import re
from collections.abc import Callable

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from merchants.models import Merchant, User
from tests import factories

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
    assert "default-src 'none'" in policy
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy


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
