"""A shipping method that demands more than it did: the orders that lack it wait from then on, if not yet begun."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from merchants.models import Merchant
from orders import links, moves, tasks
from orders.models import Cause, Event, Hold, Order, OrderProcessing, Status
from products.models import Product, Reservation, Stock
from shipping.models import ShippingMethod
from tests import factories
from tests.conftest import Centra
from tests.orders.shop import active_method, buy, goods, look, ours

pytestmark = pytest.mark.django_db(transaction=True)
WITHOUT_PHONE = {"name": "Kim", "address": "Ekgatan 1", "zipcode": "111 22", "city": "Stockholm", "country": "SE"}
DEMANDS = {"needs_phone": Cause.PHONE, "needs_pickup_point": Cause.PICKUP_POINT}


def picture() -> list[Any]:
    """All that a second look must leave as it is, also when each order was decided."""
    return [list(table.objects.order_by("pk").values()) for table in (Order, Hold, Event, Stock, Reservation)]


def tick() -> None:
    """Twice what the timetable runs; the second time changes nothing."""
    tasks.follow_links()
    before = picture()
    tasks.follow_links()
    assert picture() == before


@pytest.fixture
def method(merchant: Merchant) -> ShippingMethod:
    return factories.method(merchant)


@pytest.fixture
def sweater(merchant: Merchant) -> Product:
    made = factories.product(merchant, "FG1")
    factories.stock(made, merchant.warehouses.get(), 100)
    return made


def new(merchant: Merchant, method: ShippingMethod, sweater: Product, **fields: Any) -> Order:
    """By hand, saved as NEW, without telephone and pick-up point."""
    order = factories.order(merchant, **{"method": method, "phone": "", "pickup_point": "", **fields})
    factories.order_line(order, sweater, 1)
    moves.save_as_new(order, "Kim")
    order.refresh_from_db()
    assert order.status == Status.NEW
    return order


def demand(method: ShippingMethod, **demands: bool) -> None:
    ShippingMethod.objects.filter(pk=method.pk).update(**demands)


def stands(order: Order) -> tuple[str, list[str]]:
    order.refresh_from_db()
    return order.status, list(order.holds.values_list("cause", flat=True))


@pytest.mark.parametrize(("name", "cause"), DEMANDS.items())
def test_an_order_of_a_shop_waits_for_what_its_method_demands_by_now(centra: Centra, name: str, cause: Cause) -> None:
    method, sweater = active_method(centra), goods(centra)
    placed = buy(centra, {sweater.size: 1}, delivery=WITHOUT_PHONE)
    look(centra)
    order = ours(placed)
    assert order.status == Status.NEW
    demand(method, **{name: True})
    tick()
    assert stands(order) == (Status.RESERVED, [cause])
    assert Stock.objects.get().reserved == 1
    assert not placed.shipments.exists()
    demand(method, **{name: False})
    tasks.decide()
    tick()
    assert stands(order) == (Status.NEW, [])


@pytest.mark.parametrize(("name", "cause"), DEMANDS.items())
def test_what_was_begun_stays(
    merchant: Merchant, method: ShippingMethod, sweater: Product, name: str, cause: Cause
) -> None:
    marked, collecting, waits = (new(merchant, method, sweater) for _each in range(3))
    Order.objects.filter(pk=marked.pk).update(handover_asked_at=timezone.now(), handover_asked_by="Staff")
    moves.ask_to_hand_over(collecting, "Staff")
    demand(method, **{name: True})
    tick()
    assert stands(marked) == (Status.NEW, [])
    assert marked.is_being_handed_over
    assert stands(collecting) == (Status.COLLECTING, [])
    assert stands(waits) == (Status.RESERVED, [cause])


def test_what_has_it_or_needs_it_not_goes_on(merchant: Merchant, method: ShippingMethod, sweater: Product) -> None:
    other = factories.method(merchant)
    has_it = new(merchant, method, sweater, phone="+46 70 1", pickup_point="P1")
    elsewhere = new(merchant, other, sweater)
    demand(method, needs_phone=True, needs_pickup_point=True)
    before = picture()
    tick()
    assert picture() == before
    assert (stands(has_it), stands(elsewhere)) == ((Status.NEW, []), (Status.NEW, []))


def test_what_may_go_without_a_phone_does(merchant: Merchant, method: ShippingMethod, sweater: Product) -> None:
    order = new(merchant, method, sweater)
    OrderProcessing.objects.create(merchant=merchant, sends_without_phone=True)
    demand(method, needs_phone=True)
    tick()
    assert stands(order) == (Status.NEW, [])
    demand(method, needs_pickup_point=True)
    tick()
    assert stands(order) == (Status.RESERVED, [Cause.PICKUP_POINT])


def test_what_was_overruled_is_not_looked_at_again_and_keeps_no_place(
    merchant: Merchant, method: ShippingMethod, sweater: Product
) -> None:
    overruled = [new(merchant, method, sweater, overruled=[Cause.PHONE]) for _each in range(3)]
    orders = [new(merchant, method, sweater) for _each in range(3)]
    demand(method, needs_phone=True)
    for done in (2, 3, 3):
        links.catch_up(limit=2)
        assert sum(stands(order)[0] == Status.RESERVED for order in orders) == done
    before = picture()
    tick()
    assert picture() == before
    assert {stands(order) == (Status.NEW, []) for order in overruled} == {True}
    demand(method, needs_pickup_point=True)
    tick()
    assert {stands(order) == (Status.RESERVED, [Cause.PICKUP_POINT]) for order in overruled} == {True}


def test_the_staff_s_tick_waits_for_no_order(
    admin_client: Client, merchant: Merchant, method: ShippingMethod, sweater: Product
) -> None:
    """However many orders lack it: the page answers, and they are decided afterwards."""
    order = new(merchant, method, sweater)
    house = merchant.warehouses.get()
    fields = {"warehouse": house.pk, "carrier": method.carrier_id, "service": method.service, "needs_phone": "on"}
    page = reverse("admin:shipping_shippingmethod_change", args=[method.pk])
    assert admin_client.post(page, {**fields, "needs_pickup_point": "", "tracking_url": ""}).status_code == 302
    method.refresh_from_db()
    assert method.needs_phone
    assert stands(order) == (Status.NEW, [])
    tick()
    assert stands(order) == (Status.RESERVED, [Cause.PHONE])
