"""Edit Merchant → Shipping methods: the list, asking for more, and who may."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from merchants.models import Merchant, Warehouse
from shipping.models import MerchantMethod
from tests import factories
from tests.shipping import things

pytestmark = pytest.mark.django_db
State = MerchantMethod.State


@pytest.fixture
def house(merchant: Merchant) -> Warehouse:
    return merchant.warehouses.get()


def list_url(merchant: Merchant) -> str:
    return reverse("shipping:list", args=[merchant.pk])


def new_url(merchant: Merchant) -> str:
    return reverse("shipping:new", args=[merchant.pk])


def text_of(answer: Any) -> str:
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def states(merchant: Merchant) -> dict[str, str]:
    return {row.method.service: row.state for row in merchant.shipping_methods.with_methods()}


def test_the_list_shows_the_merchants_methods_by_warehouse_with_their_state(
    page: Client, merchant: Merchant, house: Warehouse
) -> None:
    far = factories.warehouse(code="ZZZ")
    merchant.warehouses.add(far)
    things.active(merchant, "Collect")
    things.active(merchant, "Asked", state="requested")
    things.active(merchant, "Far", state="declined", warehouse=far)
    MerchantMethod.objects.filter(state="declined").update(answer="No contract.", answered_at=timezone.now())
    MerchantMethod.objects.filter(state="active").update(answered_at=things.NOON)
    things.active(factories.merchant(), "Foreign")
    text = text_of(page.get(list_url(merchant)))
    assert text.index(house.name) < text.index("PostNord Asked") < text.index("PostNord Far")
    for words in ("active since 12 Nov 2026", "activation requested", "The warehouse says: No contract."):
        assert words in text
    assert "Foreign" not in text


def test_an_empty_list_says_where_to_begin(page: Client, merchant: Merchant) -> None:
    text = text_of(page.get(list_url(merchant)))
    assert "New Shipping Method" in text
    assert new_url(merchant) in text


def test_ticked_methods_are_requested_and_what_needs_no_activation_is_active_at_once(
    page: Client, merchant: Merchant, house: Warehouse
) -> None:
    asked, free = things.method(house, "Asked"), things.method(house, "Free", needs_activation=False)
    things.method(house, "Other", needs_contract=True)
    text = text_of(page.get(new_url(merchant)))
    assert text.count('name="methods"') == 3
    assert "Needs a contract of its own" in text
    answer = page.post(new_url(merchant), {"methods": [asked.pk, free.pk]}, follow=True)
    text = text_of(answer)
    assert "Active now: PostNord Free." in text
    assert "Activation is requested: PostNord Asked." in text
    assert states(merchant) == {"Asked": State.REQUESTED, "Free": State.ACTIVE}
    rows = {row.method.service: row for row in merchant.shipping_methods.with_methods()}
    assert rows["Asked"].requested_by == "Kim Berg"
    assert rows["Asked"].answered_at is None
    assert rows["Free"].answered_at == rows["Free"].told_at is not None


def test_asked_for_twice_nothing_happens_twice(page: Client, merchant: Merchant, house: Warehouse) -> None:
    asked, free = things.method(house, "Asked"), things.method(house, "Free", needs_activation=False)
    page.post(new_url(merchant), {"methods": [asked.pk, free.pk]})
    before = list(merchant.shipping_methods.order_by("pk").values())
    text = text_of(page.post(new_url(merchant), {"methods": [asked.pk, free.pk]}, follow=True))
    assert "Nothing is new" in text
    assert list(merchant.shipping_methods.order_by("pk").values()) == before
    assert 'name="methods"' not in text_of(page.get(new_url(merchant)))


def test_what_was_declined_can_be_asked_for_again(page: Client, merchant: Merchant) -> None:
    row = things.active(merchant, "Asked", state="declined")
    MerchantMethod.objects.update(answer="Not now.", answered_at=timezone.now(), told_at=timezone.now())
    assert "Not now." in text_of(page.get(new_url(merchant)))
    page.post(new_url(merchant), {"methods": [row.method_id]})
    row.refresh_from_db()
    assert (row.state, row.answer, row.answered_at, row.told_at) == (State.REQUESTED, "", None, None)


def test_what_the_warehouse_took_back_is_not_active_again_by_asking_for_it(
    page: Client, merchant: Merchant, house: Warehouse
) -> None:
    free = things.method(house, "Free", needs_activation=False)
    page.post(new_url(merchant), {"methods": [free.pk]})
    MerchantMethod.objects.all().answer(State.DECLINED, "Too heavy.")
    for _time in range(2):
        page.post(new_url(merchant), {"methods": [free.pk]})
        row = merchant.shipping_methods.get()
        assert (row.state, row.answered_at, row.told_at) == (State.REQUESTED, None, None)


def test_with_several_warehouses_one_is_chosen(page: Client, merchant: Merchant, house: Warehouse) -> None:
    far = factories.warehouse(code="ZZZ")
    merchant.warehouses.add(far)
    here, there = things.method(house, "Here"), things.method(far, "There")
    text = text_of(page.get(new_url(merchant), {"warehouse": far.pk}))
    assert "PostNord There" in text
    assert "PostNord Here" not in text
    assert 'name="warehouse"' in text
    answer = page.post(f"{new_url(merchant)}?warehouse={far.pk}", {"methods": [here.pk]})
    assert "does not offer one of the ticked methods" in text_of(answer)
    page.post(f"{new_url(merchant)}?warehouse={far.pk}", {"methods": [there.pk]})
    assert states(merchant) == {"There": State.REQUESTED}


def test_a_warehouse_where_the_merchant_does_not_work_is_not_found(page: Client, merchant: Merchant) -> None:
    other = factories.warehouse()
    method = things.method(other, "Foreign")
    for asked in (other.pk, "x"):
        assert page.get(new_url(merchant), {"warehouse": asked}).status_code == 404
    assert page.post(f"{new_url(merchant)}?warehouse={other.pk}", {"methods": [method.pk]}).status_code == 404
    assert not merchant.shipping_methods.exists()


@pytest.mark.parametrize("ticked", [[], ["x"], ["999999"], ["9" * 20]])
def test_nothing_ticked_or_nonsense_is_said_in_words(
    page: Client, merchant: Merchant, house: Warehouse, ticked: list[str]
) -> None:
    things.method(house, "Asked")
    answer = page.post(new_url(merchant), {"methods": ticked})
    assert 'class="errorlist"' in text_of(answer)
    assert not merchant.shipping_methods.exists()


def test_who_may_only_look_sees_the_list_and_asks_for_nothing(
    signed_in: Any, merchant: Merchant, house: Warehouse
) -> None:
    method = things.active(merchant, "Collect").method
    viewer = signed_in(factories.viewer(merchant))
    text = text_of(viewer.get(list_url(merchant)))
    assert "PostNord Collect" in text
    assert new_url(merchant) not in text
    assert viewer.get(new_url(merchant)).status_code == 403
    assert viewer.post(new_url(merchant), {"methods": [method.pk]}).status_code == 403


def test_a_merchant_without_a_warehouse_is_told_so(page: Client, merchant: Merchant) -> None:
    merchant.warehouses.clear()
    assert "No warehouse yet" in text_of(page.get(new_url(merchant)))
