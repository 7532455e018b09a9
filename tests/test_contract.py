"""What every platform must be able to do, whatever it calls it: one suite, inherited by each platform.

A platform brings a `Fake`, a shop over HTTP on loopback with a neutral set-up, and a class below `Contract` with a
`fake` fixture. Everything in `Contract` speaks only the protocol of `connectors/base.py` and the words of `Fake`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol, TypeVar

import pytest
from pytest_django.live_server_helper import LiveServer

from integrations.connectors import PLATFORMS, connect
from integrations.connectors.base import (
    Allowed,
    Connector,
    Credentials,
    Faulty,
    NewShipment,
    OrderData,
    OrderStatus,
    Page,
    ParcelData,
    ProductData,
    Right,
    ShipmentData,
    ShipmentStatus,
    StockFigure,
)
from integrations.connectors.centra import client
from integrations.connectors.errors import (
    BadCredentials,
    NotAllowed,
    Rejected,
    ShopError,
    Unavailable,
    Unreadable,
    WrongAddress,
)

T = TypeVar("T")

LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
PARCEL = ParcelData(carrier="Posti", service="Express", tracking_code="JJFI-1", parcels=2)


class Fake(Protocol):
    """A shop of one platform, filled and broken in neutral words. Items go by their joined SKU, orders by number."""

    platform: str
    credentials: Credentials

    def add_item(self, *parts: str, ean: str = "", pieces: int = 0, name: str = "Jacket") -> str:
        """A physical item; answers with its external id."""

    def place_order(self, pieces: Mapping[str, int], *, at: datetime | None = None, method: str = "express") -> str:
        """A paid and confirmed order; answers with its number."""

    def act(self, number: str, what: str) -> None:
        """`hold`, `resume` or `cancel` an order."""

    def refuse_payment(self, number: str, refuses: bool = True) -> None:
        """Let every capture of this order fail."""

    def prepare_shipment(self, number: str, *, good_to_go: bool) -> str:
        """What the shop's own people do: a shipment of all that is open, unpaid; answers with its id."""

    def return_all(self, shipment: str) -> None:
        """A customer sends back what was in a shipment."""

    def forbid(self, right: Right) -> None:
        """Take a right away from the key."""

    def break_down(self, right: Right, how: str, *, times: int | None = 1) -> None:
        """The next calls of that kind go wrong: see `BREAKDOWNS`; `lost answer` does the work all the same."""

    def sent(self, number: str) -> list[tuple[str, str]]:
        """The shipments that the shop holds for sent: id and tracking code."""

    def captures(self, number: str) -> int:
        """How often money was taken for this order."""

    def shipments(self, number: str) -> int:
        """How many shipments there are."""

    def physical(self, sku: str) -> int:
        """Pieces that the shop believes to be on the shelf."""


# How a read may go wrong, and which errors may come of it.
BREAKDOWNS: dict[str, type[ShopError] | tuple[type[ShopError], ...]] = {
    "down": Unavailable,
    "busy": Unavailable,
    "cut off": Unavailable,
    "connection lost": Unavailable,
    "web page": Unreadable,
    "half an answer": Unreadable,
    "nothing": Unreadable,
    "redirect": WrongAddress,
    "refused": Rejected,
}


def items_of(pages: Iterable[Page[T]]) -> list[T]:
    return [item for page in pages for item in page.items]


def number_of(fake: Fake, **pieces: int) -> str:
    """An order; SKUs as keywords, with `_` for `-`."""
    return fake.place_order({sku.replace("_", "-"): count for sku, count in pieces.items()})


class Contract:
    """One suite; a platform inherits it and gives a `fake`."""

    @pytest.fixture
    def shop(self, fake: Fake) -> Iterator[Connector]:
        with connect(fake.platform, fake.credentials) as connector:
            yield connector

    def read(self, shop: Connector, number: str) -> OrderData:
        order = shop.order(number)
        assert order is not None
        return order

    def whole(self, order: OrderData, **changes: Any) -> NewShipment:
        """A shipment of all lines."""
        lines = tuple((line.external_id, line.pieces) for line in order.lines)
        return replace(NewShipment(order.number, lines, capture=True), **changes)

    # --- rights ----------------------------------------------------------------------------

    def test_a_good_key_has_every_right(self, shop: Connector) -> None:
        assert {found.right: found.allowed for found in shop.check()} == dict.fromkeys(Right, Allowed.YES)

    @pytest.mark.parametrize("right", Right)
    def test_a_missing_right_is_found_and_the_others_stay(self, fake: Fake, shop: Connector, right: Right) -> None:
        fake.forbid(right)
        found = {found.right: found.allowed for found in shop.check()}
        assert found == dict.fromkeys(Right, Allowed.YES) | {right: Allowed.NO}

    def test_the_test_changes_nothing(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", ean="4006381333931", pieces=5)
        number = number_of(fake, NL=2)
        shop.check()
        assert (fake.physical("NL"), fake.shipments(number), fake.captures(number)) == (5, 0, 0)

    def test_a_key_that_is_refused_is_the_merchants_affair(self, fake: Fake) -> None:
        with connect(fake.platform, replace(fake.credentials, secret="another-key")) as shop:
            with pytest.raises(BadCredentials) as caught:
                shop.check()
            with pytest.raises(BadCredentials):
                items_of(shop.products())
        assert not isinstance(caught.value, WrongAddress)
        assert caught.value.field == "secret"
        assert "another-key" not in str(caught.value)

    def test_an_address_where_no_shop_answers_is_the_merchants_affair(self, fake: Fake) -> None:
        elsewhere = replace(fake.credentials, base_url=fake.credentials.base_url + "x")
        with connect(fake.platform, elsewhere) as shop:
            with pytest.raises(WrongAddress):
                shop.check()
            with pytest.raises(WrongAddress):
                items_of(shop.orders(LONG_AGO))

    def test_a_pipe_without_its_right_says_which(self, fake: Fake, shop: Connector) -> None:
        fake.forbid(Right.PRODUCTS)
        with pytest.raises(NotAllowed) as caught:
            items_of(shop.products())
        assert caught.value.endpoint in str(caught.value)
        assert "Tick it in" in str(caught.value)  # where it is mended

    # --- products --------------------------------------------------------------------------

    def test_every_item_comes_once_over_several_pages(self, fake: Fake, shop: Connector) -> None:
        ids = {fake.add_item("NL", "-ASH", f"-{number}", pieces=number) for number in range(8)}
        pages = list(shop.products())
        assert len(pages) > 2
        assert {item.external_id for item in items_of(pages)} == ids
        assert {item.sku for item in items_of(pages)} == {f"NL-ASH-{number}" for number in range(8)}
        assert pages[-1].cursor == ""
        assert all(page.cursor for page in pages[:-1])

    def test_an_empty_shop_has_one_empty_page(self, shop: Connector) -> None:
        (page,) = shop.products()
        assert (page.items, page.cursor) == ((), "")

    def test_a_listing_goes_on_after_an_interruption(self, fake: Fake, shop: Connector) -> None:
        for number in range(8):
            fake.add_item("NL", f"-{number}")
        first = next(shop.products())
        with connect(fake.platform, fake.credentials) as later:
            rest = items_of(later.products(cursor=first.cursor))
        skus = [item.sku for item in (*first.items, *rest)]
        assert sorted(skus) == [f"NL-{number}" for number in range(8)]

    def test_parts_of_a_sku_are_kept_as_given(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("AB", "C", ean="4006381333931", name="Twin one")
        fake.add_item("A", "BC", name="Twin two")
        found = {item.name: item for item in items_of(shop.products())}
        assert found["Twin one"].sku == found["Twin two"].sku == "ABC"
        assert (found["Twin two"].sku_product, found["Twin two"].sku_variant) == ("A", "BC")
        assert found["Twin one"].ean == "4006381333931"

    def test_only_what_changed_since_is_read_where_asked(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL")
        now = datetime.now(UTC)
        assert len(items_of(shop.products(changed_since=now - timedelta(minutes=1)))) == 1
        assert items_of(shop.products(changed_since=now + timedelta(hours=2))) == []

    def test_a_row_that_cannot_be_read_does_not_stop_the_others(self, fake: Fake, shop: Connector) -> None:
        ids = [fake.add_item("NL", f"-{number}") for number in range(3)]
        fake.break_down(Right.PRODUCTS, "one bad row")
        pages = list(shop.products())
        faulty: list[Faulty] = [row for page in pages for row in page.faulty]
        assert len(items_of(pages)) == 2
        assert len(faulty) == 1
        assert faulty[0].external_id in ids

    def test_other_types_on_the_wire_are_the_same_products(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", "-ASH", ean="4006381333931", pieces=3)
        before: list[ProductData] = items_of(shop.products())
        fake.break_down(Right.PRODUCTS, "other types")
        assert items_of(shop.products()) == before

    @pytest.mark.parametrize("how", ["the same page again", "a loop"])
    def test_a_list_without_end_ends(self, fake: Fake, shop: Connector, how: str) -> None:
        for number in range(8):
            fake.add_item("NL", f"-{number}")
        fake.break_down(Right.PRODUCTS, how, times=None)
        with pytest.raises(Unreadable):
            items_of(shop.products())

    # --- what goes wrong -------------------------------------------------------------------

    @pytest.mark.parametrize("how", BREAKDOWNS)
    @pytest.mark.parametrize("right", [Right.PRODUCTS, Right.ORDERS])
    def test_a_read_that_fails_says_who_must_act(self, fake: Fake, shop: Connector, right: Right, how: str) -> None:
        fake.break_down(right, how, times=None)
        with pytest.raises(BREAKDOWNS[how]) as caught:
            items_of(shop.products()) if right is Right.PRODUCTS else items_of(shop.orders(LONG_AGO))
        assert fake.credentials.secret not in str(caught.value) + repr(caught.value)
        assert str(caught.value).endswith((".", "”."))

    @pytest.mark.parametrize("how", ["busy", "connection lost"])
    def test_a_moment_of_weakness_is_waited_out(self, fake: Fake, shop: Connector, how: str) -> None:
        fake.add_item("NL")
        fake.break_down(Right.PRODUCTS, how, times=1)
        assert len(items_of(shop.products())) == 1

    def test_a_long_wait_that_the_shop_asks_for_is_handed_on(self, fake: Fake, shop: Connector) -> None:
        fake.break_down(Right.PRODUCTS, "asks to wait ten minutes")
        with pytest.raises(Unavailable) as caught:
            items_of(shop.products())
        assert caught.value.retry_after == pytest.approx(600, abs=5)

    # --- stock -----------------------------------------------------------------------------

    def test_stock_is_read_for_all_for_some_and_by_id(self, fake: Fake, shop: Connector) -> None:
        first = fake.add_item("NL", "-1", ean="4006381333931", pieces=5)
        fake.add_item("NL", "-2", pieces=7)
        fake.place_order({"NL-1": 2})
        everything = {level.identifier: level for level in items_of(shop.stock())}
        assert {sku: level.physical for sku, level in everything.items()} == {"NL-1": 5, "NL-2": 7}
        assert (everything["NL-1"].allocated, everything["NL-1"].available) == (2, 3)
        assert [level.identifier for level in items_of(shop.stock(["NL-2"]))] == ["NL-2"]
        assert [level.identifier for level in items_of(shop.stock(["4006381333931"]))] == ["NL-1"]
        assert [level.external_id for level in items_of(shop.stock_of([first]))] == [first]
        assert items_of(shop.stock_of(["987654321"])) == []

    def test_figures_are_absolute_and_refusals_come_back_while_the_rest_is_set(
        self, fake: Fake, shop: Connector
    ) -> None:
        fake.add_item("NL", "-1", pieces=5)
        fake.add_item("NL", "-2", ean="4006381333931")
        figures = [StockFigure("NL-1", 0), StockFigure("4006381333931", 9), StockFigure("NOT-THERE", 3)]
        refused = shop.push_stock(figures)
        assert [refusal.identifier for refusal in refused] == ["NOT-THERE"]
        assert refused[0].reason.endswith(".")
        assert (fake.physical("NL-1"), fake.physical("NL-2")) == (0, 9)

    def test_a_lost_answer_to_a_push_says_so(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL")
        fake.break_down(Right.STOCK, "lost answer")
        with pytest.raises(Unavailable) as caught:
            shop.push_stock([StockFigure("NL", 4)])
        assert caught.value.lost_answer
        assert fake.physical("NL") == 4

    # --- orders ----------------------------------------------------------------------------

    def test_every_order_comes_over_several_pages(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", pieces=50)
        numbers = {number_of(fake, NL=1) for _order in range(8)}
        pages = list(shop.orders(LONG_AGO))
        assert len(pages) > 2
        assert {order.number for order in items_of(pages)} == numbers
        assert pages[-1].cursor == ""

    def test_an_order_says_what_is_to_be_sent_and_where(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", "-ASH", "-L", ean="4006381333931", pieces=5)
        placed_at = datetime(2026, 7, 3, 12, 20, 9, tzinfo=UTC)
        number = fake.place_order({"NL-ASH-L": 2}, at=placed_at, method="home")
        order = self.read(shop, number)
        (line,) = order.lines
        assert (line.sku, line.ean, line.pieces) == ("NL-ASH-L", "4006381333931", 2)
        assert order.placed_at == placed_at
        assert order.status is OrderStatus.CONFIRMED
        assert order.shipping_method == "home"
        assert order.deliver_to.name
        assert len(order.deliver_to.country) == 2
        assert isinstance(order.total, Decimal)
        assert len(order.currency) == 3
        assert order.shipments == ()

    def test_an_order_is_the_same_in_the_list_and_by_itself(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", pieces=5)
        number = number_of(fake, NL=2)
        (listed,) = items_of(shop.orders(LONG_AGO))
        assert listed == self.read(shop, number)

    def test_only_orders_since_are_listed(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", pieces=5)
        old = fake.place_order({"NL": 1}, at=datetime(2026, 3, 1, tzinfo=UTC))
        new = fake.place_order({"NL": 1}, at=datetime(2026, 5, 1, tzinfo=UTC))
        assert {order.number for order in items_of(shop.orders(LONG_AGO))} == {old, new}
        assert {order.number for order in items_of(shop.orders(datetime(2026, 4, 1, tzinfo=UTC)))} == {new}

    @pytest.mark.parametrize("minutes", range(-120, 121, 30))
    def test_no_order_is_left_out_around_the_night_the_clock_goes_back(
        self, fake: Fake, shop: Connector, minutes: int
    ) -> None:
        """The clock of Stockholm goes back at 01:00 UTC: an hour is written twice."""
        fake.add_item("NL", pieces=20)
        since = datetime(2026, 10, 25, 1, 0, tzinfo=UTC) + timedelta(minutes=minutes)
        later = {fake.place_order({"NL": 1}, at=since + timedelta(minutes=10 * step)) for step in range(12)}
        assert later <= {order.number for order in items_of(shop.orders(since))}

    def test_an_order_that_the_shop_does_not_show_is_nothing(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", pieces=5)
        number = number_of(fake, NL=1)
        fake.act(number, "hold")
        assert shop.order(number) is None
        fake.act(number, "resume")
        assert self.read(shop, number).number == number
        assert shop.order("123456789") is None

    def test_a_page_in_another_order_is_the_same_orders(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", pieces=50)
        numbers = {number_of(fake, NL=1) for _order in range(8)}
        fake.break_down(Right.ORDERS, "another order", times=None)
        assert {order.number for order in items_of(shop.orders(LONG_AGO))} == numbers

    # --- shipments -------------------------------------------------------------------------

    def test_good_to_go_shipments_are_listed_every_time_with_their_order(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", pieces=50)
        ready = [fake.prepare_shipment(number_of(fake, NL=1), good_to_go=True) for _order in range(4)]
        fake.prepare_shipment(number_of(fake, NL=1), good_to_go=False)
        for _time in range(2):
            found = items_of(shop.open_shipments())
            assert {shipment.external_id for shipment in found} == set(ready)
            assert all(shipment.order and shipment.order.deliver_to.name for shipment in found)
            assert {shipment.status for shipment in found} == {ShipmentStatus.GOOD_TO_GO}

    def test_an_order_shows_its_shipments_in_all_three_statuses(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", pieces=9)
        number = number_of(fake, NL=6)
        order = self.read(shop, number)
        ((line, _pieces),) = self.whole(order).pieces
        sent = shop.create_shipment(NewShipment(number, ((line, 1),), capture=True))
        shop.complete(sent, PARCEL, capture=False)
        ready = shop.create_shipment(NewShipment(number, ((line, 2),), capture=False))
        begun = fake.prepare_shipment(number, good_to_go=False)
        found = {shipment.external_id: shipment for shipment in self.read(shop, number).shipments}
        assert {key: shipment.status for key, shipment in found.items()} == {
            sent.external_id: ShipmentStatus.SENT,
            ready.external_id: ShipmentStatus.GOOD_TO_GO,
            begun: ShipmentStatus.IN_PROGRESS,
        }
        pieces = {key: shipment.pieces for key, shipment in found.items()}
        assert pieces == {sent.external_id: ((line, 1),), ready.external_id: ((line, 2),), begun: ((line, 3),)}
        assert found[sent.external_id].parcel.tracking_code == "JJFI-1"
        assert found[sent.external_id].shipped_at is not None
        assert (found[sent.external_id].is_paid, found[ready.external_id].is_paid) == (True, False)
        assert found[ready.external_id].needs_capture

    def test_handing_over_and_sending_ends_with_the_goods_gone_and_the_money_taken_once(
        self, fake: Fake, shop: Connector
    ) -> None:
        fake.add_item("NL", pieces=5)
        number = number_of(fake, NL=2)
        made = shop.create_shipment(self.whole(self.read(shop, number), capture=False))
        assert fake.captures(number) == 0
        shop.capture(made)
        shop.complete(made, PARCEL, capture=True)
        assert fake.sent(number) == [(made.external_id, "JJFI-1")]
        assert fake.captures(number) == 1
        assert fake.physical("NL") == 3
        assert self.read(shop, number).status is OrderStatus.COMPLETED

    def test_a_payment_that_fails_makes_no_shipment(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", pieces=5)
        number = number_of(fake, NL=2)
        fake.refuse_payment(number)
        with pytest.raises(Rejected) as caught:
            shop.create_shipment(self.whole(self.read(shop, number)))
        assert caught.value.reason
        assert (fake.shipments(number), fake.captures(number)) == (0, 0)

    def test_a_payment_that_fails_later_leaves_the_shipment_unsent(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", pieces=5)
        number = number_of(fake, NL=2)
        made = shop.create_shipment(self.whole(self.read(shop, number), capture=False))
        fake.refuse_payment(number)
        with pytest.raises(Rejected):
            shop.capture(made)
        with pytest.raises(Rejected):
            shop.complete(made, PARCEL, capture=True)
        assert fake.sent(number) == []

    def test_an_order_on_hold_gets_no_shipment(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", pieces=5)
        number = number_of(fake, NL=2)
        new = self.whole(self.read(shop, number))
        fake.act(number, "hold")
        with pytest.raises(Rejected):
            shop.create_shipment(new)

    def test_a_lost_answer_to_a_new_shipment_says_so_and_the_order_then_shows_it(
        self, fake: Fake, shop: Connector
    ) -> None:
        fake.add_item("NL", pieces=5)
        number = number_of(fake, NL=2)
        new = self.whole(self.read(shop, number))
        fake.break_down(Right.SHIPMENTS, "lost answer")
        with pytest.raises(Unavailable) as caught:
            shop.create_shipment(new)
        assert caught.value.lost_answer
        (shown,) = self.read(shop, number).shipments
        assert shown.pieces == new.pieces
        assert fake.captures(number) == 1

    def test_a_write_is_never_repeated_by_itself(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", pieces=5)
        number = number_of(fake, NL=2)
        new = self.whole(self.read(shop, number))
        fake.break_down(Right.SHIPMENTS, "down", times=1)
        with pytest.raises(Unavailable) as caught:
            shop.create_shipment(new)
        assert caught.value.lost_answer
        assert fake.shipments(number) == 0

    def test_a_shipment_is_withdrawn_and_made_again(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", pieces=5)
        number = number_of(fake, NL=2)
        new = self.whole(self.read(shop, number), capture=False)
        shop.withdraw(shop.create_shipment(new))
        assert fake.shipments(number) == 0
        assert self.read(shop, number).status is OrderStatus.CONFIRMED
        shop.create_shipment(new)
        assert fake.shipments(number) == 1

    def test_a_sent_shipment_is_not_withdrawn(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", pieces=5)
        number = number_of(fake, NL=2)
        made = shop.create_shipment(self.whole(self.read(shop, number)))
        shop.complete(made, PARCEL, capture=True)
        with pytest.raises(Rejected):
            shop.withdraw(made)
        assert fake.sent(number)

    def test_a_short_pick_lowers_an_unpaid_shipment_and_leaves_the_other_lines(
        self, fake: Fake, shop: Connector
    ) -> None:
        fake.add_item("NL", "-1", pieces=5)
        fake.add_item("NL", "-2", pieces=5)
        number = fake.place_order({"NL-1": 3, "NL-2": 1})
        made = shop.create_shipment(self.whole(self.read(shop, number), capture=False))
        (first, _three), (second, _one) = made.pieces
        changed = shop.change_shipment(made, [(first, 2)])
        assert dict(changed.pieces) == {first: 2, second: 1}
        (shown,) = self.read(shop, number).shipments
        assert dict(shown.pieces) == {first: 2, second: 1}

    def test_a_paid_shipment_is_not_lowered(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", pieces=5)
        number = number_of(fake, NL=3)
        made = shop.create_shipment(self.whole(self.read(shop, number)))
        with pytest.raises(Rejected):
            shop.change_shipment(made, [(made.pieces[0][0], 1)])

    def test_a_shipment_that_is_not_there_is_refused(self, shop: Connector) -> None:
        nothing = ShipmentData("999-1", "999", ShipmentStatus.GOOD_TO_GO)
        with pytest.raises(Rejected):
            shop.capture(nothing)
        with pytest.raises(Rejected):
            shop.withdraw(nothing)
        with pytest.raises(Rejected):
            shop.complete(nothing, PARCEL, capture=False)

    # --- returns ---------------------------------------------------------------------------

    def test_what_came_back_is_listed(self, fake: Fake, shop: Connector) -> None:
        fake.add_item("NL", pieces=5)
        number = number_of(fake, NL=2)
        made = shop.create_shipment(self.whole(self.read(shop, number)))
        shop.complete(made, PARCEL, capture=True)
        fake.return_all(made.external_id)
        (found,) = items_of(shop.returns(datetime.now(UTC) - timedelta(hours=1)))
        assert (found.order_number, found.shipment, found.pieces) == (number, made.external_id, made.pieces)
        assert items_of(shop.returns(datetime.now(UTC) + timedelta(hours=3))) == []


# --- Centra --------------------------------------------------------------------------------

ENDPOINTS = {
    Right.PRODUCTS: "GET products",
    Right.ORDERS: "GET orders",
    Right.STOCK: "POST stock",
    Right.SHIPMENTS: "PUT shipment",
}
LEVERS: dict[str, tuple[str, dict[str, Any]]] = {
    "down": ("status", {"code": 503}),
    "busy": ("status", {"code": 429}),
    "asks to wait ten minutes": ("status", {"code": 429, "retry_after": 600, "retry_after_form": "date"}),
    "cut off": ("cut_off", {}),
    "connection lost": ("reset", {}),
    "web page": ("html", {}),
    "half an answer": ("truncated", {}),
    "nothing": ("empty", {}),
    "redirect": ("redirect", {}),
    "refused": ("refused", {}),
    "one bad row": ("unreadable_row", {"row": 1}),
    "other types": ("wrong_types", {}),
    "another order": ("reordered_page", {}),
    "the same page again": ("repeated_page", {}),
    "a loop": ("looping_page", {}),
    "lost answer": ("lost_answer", {}),
}


# Switches that say how a write is taken or answered.
WRITE_SWITCHES = (
    *("item_qty", "numeric_shipment_ids", "missing_shipped", "lines_not_sent", "identical_shipment"),
    *("empty_object_as_list", "complete_again", "invoice_on_capture", "escapes_slashes"),
)


class CentraFake:
    """The sandbox, in neutral words."""

    platform = "centra"

    def __init__(self, origin: str) -> None:
        from sandbox.models import Shop

        self.shop = Shop.open("nordlys", time_zone="Europe/Stockholm")
        self.plugin = self.shop.add_plugin(secret="key-of-nordlys")
        self.credentials = Credentials(self.plugin.base_url(origin), "key-of-nordlys", "Europe/Stockholm")

    def add_item(self, *parts: str, ean: str = "", pieces: int = 0, name: str = "Jacket") -> str:
        return str(self.shop.add_size(*parts, ean=ean, stock=pieces, name=name).pk)

    def place_order(self, pieces: Mapping[str, int], *, at: datetime | None = None, method: str = "express") -> str:
        when: dict[str, Any] = {"placed_at": at} if at else {}
        sizes = {self.shop.sizes.get(full_sku=sku): count for sku, count in pieces.items()}
        order = self.shop.place_order(sizes, shipping=method, **when)
        order.confirm()
        return str(order.number)

    def act(self, number: str, what: str) -> None:
        getattr(self._order(number), what)()

    def refuse_payment(self, number: str, refuses: bool = True) -> None:
        self._order(number).change_flags(capture_fails=refuses)

    def prepare_shipment(self, number: str, *, good_to_go: bool) -> str:
        return str(self._order(number).create_shipment(good_to_go=good_to_go, capture=False))

    def return_all(self, shipment: str) -> None:
        from sandbox.models import Return

        number, _dash, n = shipment.partition("-")
        Return.create(self._order(number).shipments.get(n=n))

    def forbid(self, right: Right) -> None:
        self.plugin.forbid(ENDPOINTS[right])

    def break_down(self, right: Right, how: str, *, times: int | None = 1) -> None:
        kind, params = LEVERS[how]
        endpoint = "POST shipments" if right is Right.SHIPMENTS else ENDPOINTS[right]
        self.shop.break_endpoint(endpoint, kind, times=times, **params)

    def sent(self, number: str) -> list[tuple[str, str]]:
        sent = self._order(number).shipments.exclude(completed_at=None)
        return [(shipment.display_id, shipment.tracking) for shipment in sent]

    def captures(self, number: str) -> int:
        return sum(shipment.captures for shipment in self._order(number).shipments.all())

    def shipments(self, number: str) -> int:
        return int(self._order(number).shipments.count())

    def physical(self, sku: str) -> int:
        return int(self.shop.sizes.get(full_sku=sku).physical)

    def _order(self, number: str) -> Any:
        return self.shop.orders.get(number=number)


@pytest.fixture
def centra_fake(live_server: LiveServer, monkeypatch: pytest.MonkeyPatch) -> CentraFake:
    """Pages of three rows, so that every list has several."""
    for name in ("ITEMS_PER_PAGE", "ORDERS_PER_PAGE", "SHIPMENTS_PER_PAGE"):
        monkeypatch.setattr(client, name, 3)
    return CentraFake(live_server.url)


class TestCentra(Contract):
    """The contract, and below what only Centra leaves open."""

    @pytest.fixture
    def fake(self, centra_fake: CentraFake) -> CentraFake:
        return centra_fake

    def test_stock_of_a_bundle_is_refused_in_words(self, centra_fake: CentraFake, shop: Connector) -> None:
        centra_fake.add_item("SET", name="Winter set")
        centra_fake.shop.products.get(sku="SET").change(is_bundle=True)
        (refusal,) = shop.push_stock([StockFigure("SET", 3)])
        assert "bundle" in refusal.reason

    @pytest.mark.parametrize("form", ["401", "403", "200", "html"])
    def test_a_wrong_key_is_known_in_every_form(self, centra_fake: CentraFake, form: str) -> None:
        centra_fake.shop.set_switch("bad_secret", form)
        with connect("centra", replace(centra_fake.credentials, secret="another")) as shop:
            with pytest.raises(BadCredentials):
                shop.check()
            with pytest.raises(BadCredentials):
                shop.push_stock([StockFigure("NL", 1)])

    @pytest.mark.parametrize("layout", ["parts", "nested", "both", "bundles"])
    def test_every_bundle_layout_gives_the_same_pieces_to_pick(
        self, centra_fake: CentraFake, shop: Connector, layout: str
    ) -> None:
        from sandbox.models import BundlePart

        for sku in ("SET", "HAT", "MIT"):
            centra_fake.add_item(sku, name=sku.title(), pieces=9)
        sizes = {size.full_sku: size for size in centra_fake.shop.sizes.all()}
        centra_fake.shop.products.get(sku="SET").change(is_bundle=True)
        # One hat costs as much as two mittens, so that the price of the set is shared out to the penny.
        centra_fake.shop.products.get(sku="HAT").variants.update(price=200)
        for sku, pieces in (("HAT", 1), ("MIT", 2)):
            BundlePart.objects.create(bundle=sizes["SET"], part=sizes[sku], pieces=pieces)
        number = centra_fake.place_order({"SET": 2})
        centra_fake.plugin.order_bundles = layout
        centra_fake.plugin.save()
        order = self.read(shop, number)
        if layout == "bundles":
            assert order.has_only_bundles
            return
        assert not order.has_only_bundles
        assert {line.sku: line.pieces for line in order.lines} == {"HAT": 2, "MIT": 4}
        made = shop.create_shipment(self.whole(order))
        shop.complete(made, PARCEL, capture=True)
        assert (centra_fake.physical("HAT"), centra_fake.physical("MIT")) == (7, 5)

    def test_every_switch_shows_the_same_shop(self, centra_fake: CentraFake) -> None:
        """Whatever the documents leave open, and whichever way it is: what we read is the same."""
        from sandbox.switches import SWITCHES

        for size in range(5):
            centra_fake.add_item("NL", f"-{size}", ean=f"{size}", pieces=9)
        number = centra_fake.place_order({"NL-1": 2, "NL-2": 1})
        centra_fake.prepare_shipment(number, good_to_go=True)
        usual = self._tour(centra_fake, number)
        for switch in SWITCHES:
            for choice, _label in switch.choices[1:]:
                if switch.name == "ingrid_on_shipments":
                    continue
                centra_fake.shop.set_switch(switch.name, choice)
                assert self._tour(centra_fake, number) == usual, (switch.name, choice)
                centra_fake.shop.set_switch(switch.name, switch.default)

    def test_every_switch_takes_the_same_writes(self, centra_fake: CentraFake) -> None:
        """A short pick is lowered, paid and sent, whichever way the shop answers: pieces and money move once."""
        from sandbox.switches import BY_NAME

        centra_fake.add_item("NL", "-1", pieces=99)
        for name in WRITE_SWITCHES:
            for choice, _label in BY_NAME[name].choices:
                centra_fake.shop.set_switch(name, choice)
                before = centra_fake.physical("NL-1")
                number = centra_fake.place_order({"NL-1": 3})
                with connect("centra", centra_fake.credentials) as shop:
                    order = self.read(shop, number)
                    made = shop.create_shipment(self.whole(order, capture=False))
                    lower = shop.change_shipment(made, [(order.lines[0].external_id, 2)])
                    shop.capture(lower)
                    shop.complete(lower, PARCEL, capture=False)
                told = (dict(lower.pieces), centra_fake.captures(number), before - centra_fake.physical("NL-1"))
                assert told == ({order.lines[0].external_id: 2}, 1, 2), (name, choice)
            centra_fake.shop.set_switch(name, BY_NAME[name].default)

    def _tour(self, fake: CentraFake, number: str) -> list[Any]:
        with connect("centra", fake.credentials) as shop:
            return [
                items_of(shop.products()),
                items_of(shop.stock()),
                self._bare(items_of(shop.orders(LONG_AGO))),
                self._bare([self.read(shop, number)]),
                shop.order("123"),
                items_of(shop.open_shipments()),
            ]

    def _bare(self, orders: list[OrderData]) -> list[OrderData]:
        return [replace(order, raw_status="") for order in orders]


def test_every_platform_keeps_the_contract() -> None:
    kept = {cls.__name__.removeprefix("Test").lower() for cls in Contract.__subclasses__()}
    assert kept == set(PLATFORMS)
