"""Whose address it is: who signs up with another's gains nothing, neither by waiting nor by being linked."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.conf import LazySettings
from django.core import mail
from django.core.cache import cache
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from merchants import accounts, linking
from merchants.models import Merchant, User
from tests import factories
from tests.mail import REFUSING

pytestmark = pytest.mark.django_db
VICTIM = "kim@victim.example"
EVES, KIMS = "eves-quiet-harbour-42", "kims-quiet-harbour-43"
SETTINGS = ["none", "optional", "mandatory"]


def sign_up(email: str = VICTIM) -> Client:
    browser = Client()
    typed = {"name": "Kim", "email": email, "password1": EVES}
    browser.post(reverse("account_signup"), typed)
    return browser


def sign_in(password: str) -> Client:
    browser = Client()
    browser.post(reverse("account_login"), {"login": VICTIM, "password": password})
    return browser


def sees(browser: Client, merchant: Merchant) -> bool:
    return browser.get(reverse("merchants:users", args=[merchant.pk])).status_code == 200


def link(page: Client, merchant: Merchant, email: str = VICTIM) -> str:
    answer = page.post(reverse("merchants:users", args=[merchant.pk]), {"act": "link", "email": email}, follow=True)
    return str(answer.content.decode())


def mailed_address(letter: Any) -> str:
    found = re.search(r"http://testserver(/\S+)", str(letter.body))
    assert found
    return found.group(1)


def choose_password(address: str, password: str) -> None:
    browser = Client()
    form = browser.get(address, follow=True)
    browser.post(form.request["PATH_INFO"], {"password1": password, "password2": password})


@pytest.mark.parametrize("verification", SETTINGS)
def test_a_stranger_who_signed_up_with_ones_address_is_not_let_in_by_its_link(
    page: Client, merchant: Merchant, settings: LazySettings, verification: str
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "none"
    eve = sign_up()
    assert eve.get(reverse("merchants:create")).status_code == 200, "she is signed in"
    settings.ACCOUNT_EMAIL_VERIFICATION = verification
    assert "is linked" in link(page, merchant)
    assert merchant.memberships.filter(user__email=VICTIM).exists()
    assert not sees(eve, merchant), "her session is over"
    assert "_auth_user_id" not in sign_in(EVES).session, "her password counts no more"
    assert not User.objects.get(email=VICTIM).has_usable_password()

    letter = mail.outbox[-1]
    assert (letter.to, "Choose your password" in str(letter.body)) == ([VICTIM], True)
    choose_password(mailed_address(letter), KIMS)
    assert sees(sign_in(KIMS), merchant), "the one click has confirmed the address as well"
    assert not sees(sign_in(EVES), merchant)
    assert not sees(eve, merchant)


def test_who_changes_the_password_in_that_moment_keeps_nothing(page: Client, merchant: Merchant) -> None:
    sign_up()
    of_her_request = User.objects.get(email=VICTIM)
    link(page, merchant)
    with pytest.raises(PermissionDenied):
        accounts.Adapter().set_password(of_her_request, EVES)
    assert not User.objects.get(email=VICTIM).has_usable_password()


def test_a_login_whose_address_is_confirmed_keeps_password_and_session(
    page: Client, merchant: Merchant, signed_in: Callable[[User], Client]
) -> None:
    kim = factories.user(email="Kim@Victim.example", password=KIMS)
    browser = signed_in(kim)
    link(page, merchant)
    assert sees(browser, merchant)
    assert sees(sign_in(KIMS), merchant)
    assert "Sign in here" in str(mail.outbox[-1].body)


def test_two_merchants_that_link_one_login_leave_the_first_mail_good(page: Client, merchant: Merchant) -> None:
    sign_up()
    link(page, merchant)
    other_owner = factories.user()
    other = factories.merchant(other_owner)
    linking.link(other, VICTIM)
    choose_password(mailed_address(mail.outbox[0]), KIMS)
    kim = sign_in(KIMS)
    assert (sees(kim, merchant), sees(kim, other)) == (True, True)


def test_a_forgotten_password_chosen_by_mail_confirms_the_address() -> None:
    sign_up()
    Client().post(reverse("account_reset_password"), {"email": VICTIM})
    choose_password(mailed_address(mail.outbox[-1]), KIMS)
    assert accounts.is_confirmed(User.objects.get(email=VICTIM))


@pytest.mark.parametrize("what", ["sign up", "sign in", "reset"])
def test_where_no_mail_goes_out_a_page_says_so_and_all_goes_on_later(
    settings: LazySettings, caplog: pytest.LogCaptureFixture, what: str
) -> None:
    if what == "sign in":
        sign_up()
    settings.ACCOUNT_EMAIL_VERIFICATION, works, settings.EMAIL_BACKEND = "mandatory", settings.EMAIL_BACKEND, REFUSING
    kim = {"name": "Kim", "email": VICTIM, "password1": EVES}
    url, typed = {
        "sign up": (reverse("account_signup"), kim),
        "sign in": (reverse("account_login"), {"login": VICTIM, "password": EVES}),
        "reset": (reverse("account_reset_password"), {"email": VICTIM}),
    }[what]
    answer = Client().post(url, typed)
    assert (answer.status_code, "The mail could not be sent" in answer.content.decode()) == (503, True)
    assert ("SMTPRecipientsRefused" in caplog.text, "@" in caplog.text) == (True, False)
    settings.EMAIL_BACKEND = works
    cache.clear()  # minutes later
    if what != "reset":
        sign_in(EVES)
        assert "Confirm" in mail.outbox[-1].subject


# --- who may link ---------------------------------------------------------------------------------


def test_who_has_not_confirmed_an_address_mails_no_stranger_and_is_told_the_way(client: Client) -> None:
    """The sandbox's sign-up in two steps, without any mail, up to the first merchant."""
    browser = sign_up("eve@evil.example")
    factories.warehouse(is_public_testing=True)
    made = browser.get(reverse("merchants:create")).context["form"].fields["warehouse"].queryset.get()
    browser.post(reverse("merchants:create"), {"name": "Eve's", "warehouse": made.pk})
    assert mail.outbox == []
    merchant = Merchant.objects.get(name="Eve's")

    said = link(browser, merchant)
    assert "confirm your own address: the link is in your mailbox" in said
    assert f'value="{VICTIM}"' in said, "what was typed stays"
    assert not User.objects.filter(email=VICTIM).exists()
    assert [letter.to for letter in mail.outbox] == [["eve@evil.example"]]
    link(browser, merchant)
    assert len(mail.outbox) == 1, "one is enough for a while"

    browser.post(mailed_address(mail.outbox[0]))
    assert "is linked" in link(browser, merchant)
    assert mail.outbox[-1].to == [VICTIM]


def test_where_that_mail_cannot_be_sent_it_says_so(settings: LazySettings) -> None:
    browser = sign_up("eve@evil.example")
    merchant = factories.merchant(User.objects.get())
    settings.EMAIL_BACKEND = REFUSING
    assert "that mail could not be sent: try again" in link(browser, merchant)
    assert not User.objects.filter(email=VICTIM).exists()


# --- where no mail is needed ------------------------------------------------------------------------


def test_the_first_person_is_made_at_the_machine_and_signs_in_without_a_mail(
    settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    monkeypatch.setenv("DJANGO_SUPERUSER_PASSWORD", KIMS)
    call_command("createsuperuser", "--noinput", email=VICTIM, name="Kim", verbosity=0)
    assert sign_in(KIMS).get(reverse("admin:index")).status_code == 200
    assert mail.outbox == []


@pytest.fixture
def staff(signed_in: Callable[[User], Client]) -> Client:
    return signed_in(factories.user(is_staff=True, is_superuser=True))


def rows(prefix: str, **first: Any) -> dict[str, Any]:
    """An inline form of the desk, with one new row where there are fields."""
    frame = {f"{prefix}-TOTAL_FORMS": 1 if first else 0, f"{prefix}-INITIAL_FORMS": 0}
    return frame | {f"{prefix}-0-{name}": value for name, value in first.items()}


def test_a_link_made_at_the_desk_lets_no_stranger_in_either(staff: Client, merchant: Merchant) -> None:
    eve = sign_up()
    kim = User.objects.get(email=VICTIM)
    typed = {"email": kim.email, "name": kim.name, "is_active": "on"}
    url = reverse("admin:merchants_user_change", args=[kim.pk])
    answer = staff.post(url, typed | rows("memberships", user=kim.pk, merchant=merchant.pk), follow=True)
    assert "had never confirmed this address" in answer.content.decode()
    assert merchant.memberships.filter(user=kim).exists()
    assert not sees(eve, merchant)
    assert not sees(sign_in(EVES), merchant)
    choose_password(mailed_address(mail.outbox[-1]), KIMS)
    assert sees(sign_in(KIMS), merchant)


def test_whom_staff_enter_signs_in_with_the_password_they_gave(
    staff: Client, merchant: Merchant, settings: LazySettings
) -> None:
    settings.ACCOUNT_EMAIL_VERIFICATION = "mandatory"
    typed = {"email": VICTIM, "name": "Kim", "usable_password": "true", "password1": KIMS, "password2": KIMS}
    member = rows("memberships", merchant=merchant.pk, edits_orders="on")
    answer = staff.post(reverse("admin:merchants_user_add"), typed | member, follow=True)
    assert answer.status_code == 200
    assert sees(sign_in(KIMS), merchant)
    assert mail.outbox == []


def test_an_address_that_staff_changed_is_to_be_confirmed_and_the_old_one_leads_nowhere(staff: Client) -> None:
    kim = factories.user(email="kim@before.example")
    url = reverse("admin:merchants_user_change", args=[kim.pk])
    staff.post(url, {"email": VICTIM, "name": kim.name, "is_active": "on"} | rows("memberships"))
    kim.refresh_from_db()
    assert (kim.email, accounts.is_confirmed(kim)) == (VICTIM, False)
    Client().post(reverse("account_reset_password"), {"email": "kim@before.example"})
    assert "No account" in mail.outbox[-1].subject
    later = factories.user(email="kim@before.example")
    assert list(EmailAddress.objects.filter(email="kim@before.example").values_list("user", flat=True)) == [later.pk]
