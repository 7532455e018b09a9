"""The staff's desk: requests waiting first, Activate and Decline, only of one's own warehouses."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from merchants.models import Merchant, User, Warehouse
from shipping.models import MerchantMethod, ShippingMethod
from tests import factories
from tests.shipping import things

pytestmark = pytest.mark.django_db
State = MerchantMethod.State
REQUESTS = "admin:shipping_merchantmethod_changelist"
METHODS = "admin:shipping_shippingmethod_changelist"


@pytest.fixture
def house(merchant: Merchant) -> Warehouse:
    return merchant.warehouses.get()


@pytest.fixture
def sam(house: Warehouse) -> User:
    """A member of the staff of one warehouse."""
    made = factories.user(name="Sam Holm", is_staff=True)
    house.staff.add(made)
    made.user_permissions.set(Permission.objects.filter(content_type__app_label="shipping"))
    return made


@pytest.fixture
def desk(sam: User, client: Client) -> Client:
    client.force_login(sam)
    return client


def act(desk: Client, action: str, *rows: MerchantMethod, answer: str = "") -> str:
    chosen = {"action": action, "_selected_action": [row.pk for row in rows], "answer": answer}
    return text_of(desk.post(reverse(REQUESTS), chosen, follow=True))


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def test_requests_that_wait_stand_first_and_the_oldest_of_them_before_all(desk: Client, merchant: Merchant) -> None:
    old = timezone.now() - timedelta(days=9)
    things.active(merchant, "Active")
    things.active(merchant, "Younger", state="requested")
    row = things.active(merchant, "Older", state="requested")
    MerchantMethod.objects.filter(pk=row.pk).update(requested_at=old)
    text = text_of(desk.get(reverse(REQUESTS)))
    assert text.index("PostNord Older") < text.index("PostNord Younger") < text.index("PostNord Active")


def test_activate_answers_once_and_leaves_owed_that_the_merchant_is_told(desk: Client, merchant: Merchant) -> None:
    row, active = things.active(merchant, "Asked", state="requested"), things.active(merchant, "Active")
    assert "1 method is active." in act(desk, "activate", row, active, answer="Welcome.")
    row.refresh_from_db()
    active.refresh_from_db()
    assert (row.state, row.answer, row.told_at) == (State.ACTIVE, "Welcome.", None)
    assert row.answered_at is not None
    assert active.answered_at is None


def test_where_nothing_is_left_to_answer_that_is_said(desk: Client, merchant: Merchant) -> None:
    """A second window that was open before the first one answered."""
    active, declined = things.active(merchant, "Active"), things.active(merchant, "Declined", state="declined")
    for action, row in (("activate", active), ("decline", declined)):
        said = act(desk, action, row, answer="No room.")
        assert "Nothing was changed: the chosen methods were answered so before." in said
        assert "0 methods" not in said


def test_decline_needs_an_answer(desk: Client, merchant: Merchant) -> None:
    row = things.active(merchant, "Asked", state="requested")
    assert "Nothing was declined" in act(desk, "decline", row)
    row.refresh_from_db()
    assert row.state == State.REQUESTED
    assert "1 method is declined." in act(desk, "decline", row, answer=" Not from  here. ")
    row.refresh_from_db()
    assert (row.state, row.answer) == (State.DECLINED, "Not from here.")


def test_the_staff_see_and_answer_only_what_is_of_their_warehouses(desk: Client, merchant: Merchant) -> None:
    foreign = things.active(merchant, "Foreign", warehouse=factories.warehouse(), state="requested")
    things.active(merchant, "Ours", state="requested")
    for name in (REQUESTS, METHODS):
        text = text_of(desk.get(reverse(name)))
        assert "Ours" in text
        assert "Foreign" not in text
    act(desk, "activate", foreign)
    foreign.refresh_from_db()
    assert foreign.state == State.REQUESTED


def test_a_method_is_kept_only_for_one_s_own_warehouse(desk: Client, house: Warehouse) -> None:
    carrier = things.method(house, "Collect").carrier
    url = reverse("admin:shipping_shippingmethod_add")
    typed = {"carrier": carrier.pk, "service": "Home", "warehouse": factories.warehouse().pk}
    assert "Select a valid choice" in text_of(desk.post(url, typed))
    assert desk.post(url, {**typed, "warehouse": house.pk}).status_code == 302
    assert ShippingMethod.objects.get(service="Home").warehouse == house


def test_a_method_stays_in_its_warehouse_for_orders_go_with_it(
    desk: Client, sam: User, merchant: Merchant, house: Warehouse
) -> None:
    other = factories.warehouse()
    other.staff.add(sam)
    method = things.active(merchant, "Home").method
    url = reverse("admin:shipping_shippingmethod_change", args=[method.pk])
    typed = {"carrier": method.carrier_id, "service": "Home Evening", "warehouse": other.pk, "has_tracking": "on"}
    for _time in range(2):
        assert desk.post(url, typed).status_code == 302
        method.refresh_from_db()
        assert (method.service, method.warehouse) == ("Home Evening", house)


def test_requests_are_filtered_by_state_and_warehouse(client: Client, merchant: Merchant, house: Warehouse) -> None:
    client.force_login(factories.user(is_staff=True, is_superuser=True))
    far = factories.warehouse()
    things.active(merchant, "Here", state="requested")
    things.active(merchant, "There", warehouse=far)
    for words in ({"state__exact": "requested"}, {"method__warehouse__id__exact": house.pk}):
        text = text_of(client.get(reverse(REQUESTS), words))
        assert "PostNord Here" in text
        assert "PostNord There" not in text


def test_the_queries_of_the_list_do_not_grow(desk: Client, merchant: Merchant) -> None:
    counted = []
    for number in (3, 30):
        for _n in range(number):
            things.active(merchant, state="requested")
        with CaptureQueriesContext(connection) as queries:
            text_of(desk.get(reverse(REQUESTS)))
        counted.append(len(queries))
    assert counted[0] == counted[1]
