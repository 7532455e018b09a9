"""Edit Merchant → Linked Users: link by email, permissions and roles, unlink."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse

from merchants.models import Membership, Merchant, User
from tests import factories
from tests.mail import REFUSING

pytestmark = pytest.mark.django_db
SIGN_IN = Callable[[User], Client]


def url(merchant: Merchant) -> str:
    return reverse("merchants:users", args=[merchant.pk])


def unlink(member: Membership) -> str:
    return reverse("merchants:unlink_user", args=[member.merchant_id, member.pk])


def link(page: Client, merchant: Merchant, email: str, **typed: str) -> Any:
    return page.post(url(merchant), {"act": "link", "email": email, **typed}, follow=True)


def ticked(member: Membership, permissions: list[str], roles: list[str] | None = None) -> dict[str, Any]:
    at = f"user{member.pk}-"
    return {f"{at}was_shown": "True", f"{at}permissions": permissions, f"{at}roles": roles or []}


def test_who_has_no_login_is_linked_and_mailed_the_way_to_a_password(page: Client, merchant: Merchant) -> None:
    answer = link(page, merchant, "robin@nordlys.example", name="Robin Lund")
    assert "robin@nordlys.example is linked" in answer.content.decode()
    robin = User.objects.get(email="robin@nordlys.example")
    assert (robin.name, robin.has_usable_password()) == ("Robin Lund", False)
    letter = mail.outbox[0]
    assert letter.to == ["robin@nordlys.example"]
    address = re.findall(r"http://\S+", str(letter.body))[0]
    newcomer = Client()
    form = newcomer.get(address, follow=True)
    chosen = newcomer.post(
        form.request["PATH_INFO"], {"password1": "harbour-sweater-9", "password2": "harbour-sweater-9"}, follow=True
    )
    assert chosen.status_code == 200
    newcomer.post(reverse("account_login"), {"login": robin.email, "password": "harbour-sweater-9"})
    text = newcomer.get(url(merchant)).content.decode()
    assert "looks only" in text
    assert ">Save<" not in text


def test_who_has_a_login_is_linked_whatever_the_case_of_the_email(page: Client, merchant: Merchant) -> None:
    robin = factories.user(email="robin@nordlys.example")
    link(page, merchant, "Robin@Nordlys.example")
    member = merchant.memberships.get(user=robin)
    assert member.permission_labels == []
    assert "Sign in here" in str(mail.outbox[0].body)
    assert User.objects.filter(email__iexact="robin@nordlys.example").count() == 1


@pytest.mark.parametrize("email", ["", "robin at nordlys", "x" * 250 + "@nordlys.example"])
def test_what_is_no_email_is_refused_and_kept(page: Client, merchant: Merchant, email: str) -> None:
    answer = link(page, merchant, email, name="Robin Lund")
    assert "email" in answer.context["form"].errors
    assert 'value="Robin Lund"' in answer.content.decode()
    assert merchant.memberships.count() == 1


def test_somebody_linked_already_is_not_linked_again(page: Client, merchant: Merchant, owner: User) -> None:
    answer = link(page, merchant, owner.email.upper())
    assert "linked already" in answer.content.decode()
    assert not mail.outbox


def test_permissions_and_roles_are_saved(page: Client, merchant: Merchant, owner: User) -> None:
    mine, other = merchant.memberships.get(), merchant.memberships.get(user=factories.viewer(merchant))
    typed = ticked(mine, ["edits_settings"], ["signatory"]) | ticked(other, ["edits_orders"], ["operations"])
    assert "Saved." in page.post(url(merchant), typed, follow=True).content.decode()
    mine.refresh_from_db()
    other.refresh_from_db()
    assert (mine.permission_labels, mine.role_labels) == (
        ["edit the merchant and its integrations"],
        ["Authorized Signatory"],
    )
    assert (other.edits_settings, other.edits_products, other.edits_orders) == (False, False, True)
    assert other.roles == ["operations"]


def test_who_was_linked_after_the_page_was_shown_keeps_what_he_has(page: Client, merchant: Merchant) -> None:
    mine = merchant.memberships.get()
    later = merchant.link(factories.user())
    page.post(url(merchant), ticked(mine, ["edits_settings"]))
    later.refresh_from_db()
    assert later.edits_orders


def test_an_unknown_permission_or_role_is_refused(page: Client, merchant: Merchant) -> None:
    mine = merchant.memberships.get()
    answer = page.post(url(merchant), ticked(mine, ["edits_settings", "is_staff"], ["king"]))
    assert answer.status_code == 200
    assert answer.content.decode().count("is not one of the available choices") == 2
    mine.refresh_from_db()
    assert (mine.edits_orders, mine.roles) == (True, [])


def test_somebody_who_may_edit_settings_remains(page: Client, merchant: Merchant) -> None:
    mine = merchant.memberships.get()
    factories.viewer(merchant)
    merchant.link(factories.user(is_active=False))  # cannot sign in, so does not count
    answer = page.post(url(merchant), ticked(mine, []))
    assert "Nobody would be left" in answer.content.decode()
    assert "Nobody would be left" in page.post(unlink(mine), follow=True).content.decode()
    mine.refresh_from_db()
    assert mine.edits_settings


def test_unlinking_takes_the_merchant_out_of_sight_and_keeps_the_login(
    page: Client, merchant: Merchant, signed_in: SIGN_IN
) -> None:
    viewer = factories.viewer(merchant)
    member = merchant.memberships.get(user=viewer)
    assert viewer.email in page.get(unlink(member)).content.decode()
    page.post(unlink(member))
    assert signed_in(viewer).get(url(merchant)).status_code == 404
    assert User.objects.filter(pk=viewer.pk, is_active=True).exists()


def test_a_view_only_user_may_leave_and_unlink_nobody_else(merchant: Merchant, signed_in: SIGN_IN) -> None:
    viewer = factories.viewer(merchant)
    browser = signed_in(viewer)
    assert browser.post(unlink(merchant.memberships.exclude(user=viewer).get())).status_code == 403
    assert browser.post(unlink(merchant.memberships.get(user=viewer)))["Location"] == reverse("merchants:home")
    assert merchant.memberships.count() == 1


def test_another_merchants_link_is_not_found(page: Client, merchant: Merchant) -> None:
    other = factories.merchant(factories.user()).memberships.get()
    assert page.post(reverse("merchants:unlink_user", args=[merchant.pk, other.pk])).status_code == 404
    page.post(url(merchant), ticked(other, []) | ticked(merchant.memberships.get(), ["edits_settings"]))
    other.refresh_from_db()
    assert other.edits_settings


def test_very_many_links_in_one_hour_are_refused_in_words(page: Client, merchant: Merchant, settings: Any) -> None:
    settings.ACCOUNT_RATE_LIMITS = {"link_user": "1/h/user"}
    link(page, merchant, "one@nordlys.example")
    assert "Wait an hour" in link(page, merchant, "two@nordlys.example").content.decode()
    assert merchant.memberships.count() == 2


def test_a_mail_that_cannot_be_sent_is_said_and_the_link_stands(
    page: Client, merchant: Merchant, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.EMAIL_BACKEND = REFUSING
    assert "could not be sent" in link(page, merchant, "robin@nordlys.example").content.decode()
    assert merchant.memberships.count() == 2
    assert ("SMTPRecipientsRefused" in caplog.text, "@" in caplog.text) == (True, False), "whose address is not logged"
