"""Orders read before it was known which of their pieces are ours: what people mended meanwhile stays."""

import pytest

from orders import differences
from orders.models import Cause, Order, Status
from products.models import Reservation
from sandbox.models import Order as ShopOrder
from sandbox.models import Wanted
from tests import factories
from tests.conftest import Centra
from tests.orders.shop import Goods, active_method, buy, goods, look, ours, sweep

pytestmark = pytest.mark.django_db


@pytest.fixture
def sweater(centra: Centra) -> Goods:
    active_method(centra)
    return goods(centra, on_hand=10)


def undecided(centra: Centra, sweater: Goods, city: str = "", shipping: str = "standard") -> ShopOrder:
    """One piece from each of the shop's two warehouses, of which nobody has said which are ours."""
    for at in ({"Main": 1}, {"Main": 1, "Store": 1}):
        wanted = [Wanted(sweater.size, sum(at.values()), warehouses=at)]
        placed = centra.shop.place_order(wanted, shipping=shipping if "Store" in at else "standard")
        placed.confirm()
        if "Store" in at:
            ShopOrder.objects.filter(pk=placed.pk).update(delivery={**placed.delivery, "city": city})
        look(centra)
    assert ours(placed).facts["warehouses"]
    return placed


def choose(centra: Centra, *names: str) -> None:
    centra.integration.refresh_from_db()
    centra.integration.warehouses_ours = list(names)
    centra.integration.save()
    look(centra)


def mend(order: Order) -> None:
    """As the page of editing does: address, comment, and a line by hand."""
    Order.objects.filter(pk=order.pk).update(city="Kiruna", comment="Call first.")
    gift = factories.product(order.merchant, "GIFT")
    order.lines.create(product=gift, sku="GIFT", pieces=1, ordered=1)


def pieces(order: Order) -> list[tuple[str, int, int]]:
    return list(order.lines.values_list("sku", "pieces", "elsewhere"))


def test_choosing_the_warehouses_keeps_what_was_mended(centra: Centra, sweater: Goods) -> None:
    placed = undecided(centra, sweater)
    assert {hold.cause for hold in ours(placed).holds.all()} == {Cause.WAREHOUSES, Cause.ADDRESS}
    mend(ours(placed))
    choose(centra, "Main")

    order = ours(placed)
    assert (order.city, order.comment) == ("Kiruna", "Call first.")
    assert pieces(order) == [("FG1-NVY-M", 1, 1), ("GIFT", 1, 0)]
    assert (order.offered, list(order.holds.all())) == (None, [])
    assert Reservation.objects.get(reference=str(order.pk), stock__product=sweater.product).held == 1
    told = order.events.get(text__startswith="Read anew").text
    assert told == "Read anew: 2 pieces to send. What was changed here stays: city, GIFT."


def test_what_nobody_mended_is_read_anew(centra: Centra, sweater: Goods) -> None:
    placed = undecided(centra, sweater, city="Lund")
    ShopOrder.objects.filter(pk=placed.pk).update(delivery={**placed.delivery, "city": "Malmö"})
    choose(centra, "Main")
    order = ours(placed)
    assert (order.status, order.city, order.taken["address"]["city"]) == (Status.NEW, "Malmö", "Malmö")
    assert order.events.get(text__startswith="Read anew").text == "Read anew: 1 piece to send."


def test_mended_here_and_changed_there_it_is_offered(centra: Centra, sweater: Goods) -> None:
    placed = undecided(centra, sweater)
    mend(ours(placed))
    ShopOrder.objects.filter(pk=placed.pk).update(delivery={**placed.delivery, "city": "Malmö"})
    choose(centra, "Main")
    order = ours(placed)
    assert (order.city, [hold.cause for hold in order.holds.all()]) == ("Kiruna", [Cause.CHANGED])
    differences.accept(order, "Kim")
    assert (ours(placed).city, ours(placed).status) == ("Malmö", Status.PENDING)
    assert pieces(ours(placed)) == [("FG1-NVY-M", 1, 1), ("GIFT", 1, 0)]


def test_what_cannot_be_read_and_was_mended_keeps_it_when_it_can(centra: Centra, sweater: Goods) -> None:
    centra.shop.break_endpoint("GET shipments", "status", times=None, code=403)
    placed = buy(centra, {sweater.size: 3})
    placed.create_shipment({placed.lines.get().pk: 1}, good_to_go=True, capture=False).complete(capture=False)
    look(centra)
    mend(ours(placed))
    sweep(centra)
    centra.shop.faults.all().delete()
    look(centra)
    assert (ours(placed).city, pieces(ours(placed))) == ("Kiruna", [("FG1-NVY-M", 2, 0), ("GIFT", 1, 0)])


def test_a_word_is_counted_once_however_often_it_is_read_anew(centra: Centra, sweater: Goods) -> None:
    placed = undecided(centra, sweater, shipping="express")
    placed.hold()
    sweep(centra)
    placed.resume()
    sweep(centra)
    assert centra.integration.shop_methods.get(value="express").count == 1
    choose(centra, "Main")
    assert centra.integration.shop_methods.get(value="express").count == 1


def test_another_word_is_counted_when_it_is_read_anew(centra: Centra, sweater: Goods) -> None:
    placed = undecided(centra, sweater, shipping="express")
    ShopOrder.objects.filter(pk=placed.pk).update(shipping_list="overnight")
    choose(centra, "Main")
    assert ours(placed).shop_method == "overnight"
    assert dict(centra.integration.shop_methods.values_list("value", "count"))["overnight"] == 1
