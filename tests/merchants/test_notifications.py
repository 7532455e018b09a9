"""MISC → Email notifications: what is new is mailed once, to whoever wants it, in one mail."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core import mail
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.installation import Installation
from integrations.models import SyncState
from merchants import notify
from merchants.models import Membership, Merchant, Notification, User
from merchants.tasks import tell_users
from orders.models import Cause, Order, Status
from products.models import ShopFigure
from products.receiving import receive
from tests import factories
from tests.mail import REFUSING, Silent
from tests.products.goods import announce

pytestmark = pytest.mark.django_db


def held(merchant: Merchant, cause: Cause = Cause.METHOD, subject: str = "Express", **fields: Any) -> Order:
    order = factories.order(merchant, **{"status": Status.RESERVED, **fields})
    order.holds.create(cause=cause, subject=subject, text=f"Anna Åberg, Drottninggatan 1: {cause.label}")
    return order


def later(merchant: Merchant) -> None:
    """A quarter of an hour goes by."""
    Membership.objects.filter(merchant=merchant).update(mailed_at=timezone.now() - notify.GAP)


def letters() -> list[tuple[list[str], str]]:
    return [(letter.to, " ".join(f"{letter.subject} {letter.body}".split())) for letter in mail.outbox]


# --- one mail, once ------------------------------------------------------------------------


def test_news_is_mailed_once_to_each_linked_user(merchant: Merchant, owner: User) -> None:
    viewer = factories.viewer(merchant)
    merchant.link(factories.user(is_active=False))
    held(merchant)
    held(merchant)
    tell_users()
    tell_users()
    later(merchant)
    tell_users()
    assert sorted(to for to, _text in letters()) == sorted([[owner.email], [viewer.email]])
    assert "2 orders wait: “Express” is not linked to an active shipping method." in letters()[0][1]
    assert not Notification.objects.filter(told_at__isnull=True).exists()


def test_what_follows_within_a_quarter_of_an_hour_comes_in_one_mail(merchant: Merchant) -> None:
    held(merchant)
    tell_users()
    held(merchant, subject="Standard")
    held(merchant, Cause.UNKNOWN_SKU, "FG-1")
    tell_users()
    assert len(letters()) == 1
    later(merchant)
    tell_users()
    assert len(letters()) == 2
    text = letters()[1][1]
    assert "“Standard” is not linked" in text
    assert "SKU FG-1 is linked to no product" in text
    assert "“Express”" not in text


def test_a_mail_names_no_customer_and_leads_to_the_mend(merchant: Merchant, settings: Any) -> None:
    settings.PORTAL_URL = "https://portal.example.com"
    order = held(merchant, Cause.ADDRESS, "")
    tell_users()
    text = letters()[0][1]
    assert "Anna" not in text
    assert "Drottninggatan" not in text
    assert f"https://portal.example.com{order.get_absolute_url()}" in text
    assert f"https://portal.example.com/m/{merchant.pk}/notifications/" in text


def test_without_knowing_where_the_portal_stands_a_mail_holds_no_address(merchant: Merchant) -> None:
    held(merchant)
    tell_users()
    assert "http" not in letters()[0][1]


def test_what_only_the_shop_can_let_go_is_no_news(merchant: Merchant) -> None:
    held(merchant, Cause.SHOP_HOLD, "")
    held(merchant, Cause.PAYMENT, "")
    tell_users()
    assert letters() == []


def test_what_happened_long_ago_is_no_news(merchant: Merchant) -> None:
    held(merchant).holds.update(since=timezone.now() - timedelta(days=2))
    tell_users()
    assert letters() == []


def test_a_merchants_name_cannot_break_the_header(merchant: Merchant) -> None:
    Merchant.objects.filter(pk=merchant.pk).update(name="Nordlys\r\nBcc: all@example.com")
    held(merchant)
    tell_users()
    assert mail.outbox[0].subject.startswith("Nordlys Bcc: all@example.com: 1 order waits")


def test_a_mail_that_fails_stays_owed(merchant: Merchant, settings: Any, caplog: pytest.LogCaptureFixture) -> None:
    held(merchant)
    works, settings.EMAIL_BACKEND = settings.EMAIL_BACKEND, REFUSING
    tell_users()
    assert ("SMTPRecipientsRefused" in caplog.text, "@" in caplog.text) == (True, False), "whose address is not logged"
    settings.EMAIL_BACKEND = works
    tell_users()
    assert letters() == []  # somebody may be at it still
    Notification.objects.update(tell_after=timezone.now() - timedelta(seconds=1))
    tell_users()
    assert len(letters()) == 1


def test_a_silent_mail_server_holds_the_worker_up_once_however_many_are_owed(merchant: Merchant, settings: Any) -> None:
    """The same process takes in orders and tells shops."""
    assert settings.EMAIL_TIMEOUT == 1
    held(merchant)
    for _other in range(3):
        factories.viewer(merchant)
    works = settings.EMAIL_BACKEND
    with Silent() as server:
        server.serve(settings)
        began = time.monotonic()
        tell_users()
        assert (server.calls(), time.monotonic() - began < 5) == (1, True)
    assert Notification.objects.filter(told_at=None).count() == 4
    settings.EMAIL_BACKEND = works
    tell_users()
    assert len(letters()) == 3  # somebody may be at the first still
    Notification.objects.update(tell_after=None)
    tell_users()
    assert len(letters()) == 4


def test_one_recipient_who_is_refused_keeps_no_other_waiting(merchant: Merchant, settings: Any) -> None:
    held(merchant)
    factories.viewer(merchant)
    settings.EMAIL_BACKEND = REFUSING
    tell_users()
    assert Notification.objects.filter(tell_after=None).count() == 0, "both were tried"


def test_a_copy_mails_nobody(merchant: Merchant, settings: Any) -> None:
    settings.INSTALLATION = "copy-of-yesterday"
    held(merchant)
    tell_users()
    assert letters() == []
    settings.INSTALLATION = Installation.objects.get().name
    tell_users()
    assert len(letters()) == 1


def test_a_kind_that_fails_is_an_error_of_the_log_and_does_not_silence_the_others(
    merchant: Merchant, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(since: Any) -> Any:
        raise RuntimeError("a fault of ours")

    monkeypatch.setitem(notify.KINDS, "received", notify.Kind("received", "x", fails))
    held(merchant)
    tell_users()
    assert len(letters()) == 1
    assert [record.levelname for record in caplog.records if "“received”" in record.getMessage()] == ["ERROR"]


def test_told_news_goes_after_a_month(merchant: Merchant) -> None:
    held(merchant)
    tell_users()
    Notification.objects.update(created_at=timezone.now() - notify.KEPT - timedelta(days=1))
    Order.objects.all().delete()
    tell_users()
    assert not Notification.objects.exists()


# --- what is news --------------------------------------------------------------------------


def texts() -> list[str]:
    tell_users()
    return list(Notification.objects.values_list("text", flat=True))


def test_an_order_with_a_customisation(merchant: Merchant) -> None:
    order = held(merchant, Cause.CUSTOMISATION, "")
    assert texts() == [f"Order {order.number} asks for a customisation: forward it, or take it out."]


def test_what_only_the_merchant_can_decide(merchant: Merchant) -> None:
    factories.order(merchant, number="70001", status=Status.CANCELLED, needs_refund=True)
    factories.order(merchant, number="70002", status=Status.COLLECTING, facts={"short": {}})
    assert [text.partition(":")[0] for text in texts()] == [
        "Order 70001 is paid and will not be sent",
        "Order 70002",
    ]


def test_the_answer_to_a_cancellation_request(merchant: Merchant) -> None:
    now = timezone.now()
    said = {"cancel_asked_at": now, "cancel_answered_at": now}
    factories.order(merchant, number="70001", status=Status.CANCELLED, cancel_answer="agreed", **said)
    factories.order(merchant, number="70002", status=Status.COLLECTING, cancel_answer="too late", **said)
    assert [text[:11] for text in texts()] == ["Order 70001", "Order 70002"]


def test_a_shop_that_is_stopped_is_told_once_for_all_its_pipes(merchant: Merchant) -> None:
    shop = factories.integration(merchant)
    since = timezone.now()
    shop.states.update(attention="bad key", failing_since=since, failed_attempts=1, last_error="The key was refused.")
    assert texts() == ["Nordlys (Centra) is stopped. The key was refused."]
    SyncState.objects.update(is_paused=True)
    Notification.objects.all().delete()
    assert texts() == []


@pytest.mark.parametrize(("minutes", "number"), [(59, 0), (61, 1)])
def test_a_shop_that_is_silent_is_news_after_an_hour(merchant: Merchant, minutes: int, number: int) -> None:
    shop = factories.integration(merchant)
    since = timezone.now() - timedelta(minutes=minutes)
    shop.states.filter(pipe="intake").update(failing_since=since, failed_attempts=3, last_error="No answer.")
    assert len(texts()) == number


def test_low_stock_is_news_again_after_goods_came(merchant: Merchant) -> None:
    product = factories.product(merchant, sku="FG-1", alarm_level=5)
    factories.product(merchant, sku="FG-2")
    stock = factories.stock(product, merchant.warehouses.get(), 4)
    assert texts() == ["FG-1: 4 available, the alarm level is 5."]
    assert len(texts()) == 1
    stock.move(6, "received")
    assert len(texts()) == 1
    stock.refresh_from_db()
    stock.move(-7, "adjusted")
    assert texts()[1:] == ["FG-1: 3 available, the alarm level is 5."]


def test_goods_that_came_and_the_rest_of_them(merchant: Merchant) -> None:
    product = factories.product(merchant)
    update = announce(merchant, {product: 5})
    assert texts() == []
    line = update.lines.get()
    receive(update.pk, {line.pk: 3}, who="Sam")
    assert texts() == [f"Stock update {update.number}: 3 of 5 announced pieces received."]
    receive(update.pk, {line.pk: 2}, who="Sam")
    assert len(texts()) == 2


def test_items_that_would_become_zero(merchant: Merchant) -> None:
    item = factories.webshop_product(factories.integration(merchant), product=factories.product(merchant))
    ShopFigure.objects.create(item=item, told=3, braked_at=timezone.now())
    assert texts() == ["1 item would become zero in Nordlys (Centra) and waits for your word."]


# --- the page ------------------------------------------------------------------------------


def page_of(merchant: Merchant) -> str:
    return reverse("merchants:notifications", args=[merchant.pk])


def test_everything_is_on_until_it_is_switched_off(page: Client, merchant: Merchant) -> None:
    text = page.get(page_of(merchant)).content.decode()
    assert len(re.findall(r'name="wanted"[^>]*checked', text)) == len(notify.KINDS) >= 9


def test_what_is_switched_off_is_not_mailed_and_what_is_owed_of_it_goes(page: Client, merchant: Merchant) -> None:
    held(merchant)
    tell_users()
    held(merchant, subject="Standard")
    tell_users()
    wanted = [key for key in notify.KINDS if key != "waiting"]
    assert "Saved." in page.post(page_of(merchant), {"wanted": wanted}, follow=True).content.decode()
    held(merchant, subject="Third")
    later(merchant)
    tell_users()
    assert len(letters()) == 1
    page.post(page_of(merchant), {"wanted": [*wanted, "waiting"]})
    tell_users()
    assert len(letters()) == 2


def test_an_unknown_kind_is_refused(page: Client, merchant: Merchant) -> None:
    answer = page.post(page_of(merchant), {"wanted": ["waiting", "gossip"]})
    assert "gossip is not one of the available choices" in answer.content.decode()
    assert merchant.memberships.get().muted == []


def test_whoever_may_only_look_chooses_for_themselves(
    merchant: Merchant, owner: User, signed_in: Callable[[User], Client]
) -> None:
    viewer = factories.viewer(merchant)
    assert signed_in(viewer).post(page_of(merchant), {"wanted": ["low"]}).status_code == 302
    assert "waiting" in merchant.memberships.get(user=viewer).muted
    assert merchant.memberships.get(user=owner).muted == []
