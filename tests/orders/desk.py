"""A warehouse beside a shop of the sandbox: orders taken over, marked as collecting, shipped, and the pipe run."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from integrations import sync
from integrations.connectors.base import OrderData, ParcelData
from integrations.models import Integration, SyncRun, SyncState
from orders import deciding, differences, handover, moves
from orders.models import Order, Shipment, Status
from products.models import Movement, Product, Reservation, Stock
from sandbox.models import Order as ShopOrder
from sandbox.models import Shipment as ShopShipment
from sandbox.models import Size
from shipping.models import Carrier, MerchantMethod, ShippingMethod
from tests import factories
from tests.conftest import Centra

PARCEL = ParcelData("PostNord", "MyPack", "SE-0042", parcels=2)


class Killed(BaseException):
    """What nothing catches, like kill -9."""


@dataclass
class Desk:
    """One merchant's warehouse and shop. Every item has `on_hand` pieces on the shelf and in the shop."""

    centra: Centra
    on_hand: int = 10
    items: list[tuple[Size, Product]] = field(default_factory=list)

    def __post_init__(self) -> None:
        house = self.centra.integration.warehouse
        carrier = Carrier.objects.create(name="PostNord")
        self.method = ShippingMethod.objects.create(warehouse=house, carrier=carrier, service="MyPack")
        active = MerchantMethod.State.ACTIVE
        MerchantMethod.objects.create(merchant=self.centra.integration.merchant, method=self.method, state=active)

    def item(self) -> Size:
        """One more item, linked."""
        number = len(self.items) + 1
        size = self.centra.shop.add_size(f"FG{number}", "-NVY", "-M", stock=self.on_hand)
        product = factories.product(self.centra.integration.merchant, sku=size.full_sku)
        factories.webshop_product(
            self.centra.integration, (f"FG{number}", "-NVY", "-M"), product=product, external_id=str(size.pk)
        )
        self.put_on_shelf(product, self.on_hand)
        self.items.append((size, product))
        return size

    def put_on_shelf(self, product: Product, pieces: int) -> None:
        key = (product.pk, self.centra.integration.warehouse_id)
        with transaction.atomic():
            Stock.objects.lock([key])[key].move(pieces, Movement.Why.RECEIVED)

    def order(self, pieces: int = 3, *, lines: int = 1, **fields: Any) -> tuple[ShopOrder, Order]:
        """Bought, confirmed and taken over: in the shop, and here."""
        sizes = [self.items[number][0] if number < len(self.items) else self.item() for number in range(lines)]
        there = self.centra.shop.place_order(dict.fromkeys(sizes, pieces), **fields)
        there.confirm()
        return there, self.take(there)

    def take(self, there: ShopOrder) -> Order:
        with self.centra.integration.connect() as shop:
            data = shop.order(str(there.number))
        assert data is not None
        return self.write(data)

    def write(self, data: OrderData) -> Order:
        integration = self.centra.integration
        address = {key: getattr(data.deliver_to, key) for key in differences.ADDRESS}
        order = Order.objects.create(
            merchant=integration.merchant,
            integration=integration,
            shop=integration.shop,
            number=data.number,
            warehouse=integration.warehouse,
            status=Status.DRAFT,
            method=self.method,
            is_method_chosen=True,
            shop_status=data.status.value,
            taken=differences.snapshot(data),
            **address,
        )
        for line in data.lines:
            order.lines.create(
                external_id=line.external_id,
                sku=line.sku,
                pieces=line.pieces,
                ordered=line.pieces,
                open_in_shop=line.pieces,
            )
        with transaction.atomic():
            deciding.enter(order)
        order.refresh_from_db()
        assert order.status == Status.NEW, [hold.text for hold in order.holds.all()]
        return order

    # --- what the staff do -----------------------------------------------------------------
    def mark(self, *orders: Order) -> None:
        """*Mark as collecting*."""
        for order in orders:
            order.refresh_from_db()
            moves.ask_to_hand_over(order, "Staff")

    def ship(self, order: Order, parcel: ParcelData = PARCEL) -> None:
        order.refresh_from_db()
        moves.ship(order, parcel, "Staff")

    # --- the pipe --------------------------------------------------------------------------
    def run(self) -> SyncRun | None:
        """One turn, whatever was planned; after a kill the lease is over."""
        state = self.state()
        past = timezone.now() - timedelta(seconds=1)
        SyncState.objects.filter(pk=state.pk).update(next_run_at=past, leased_until=None, lease="")
        record = sync.run(state.pk, handover.hand_over)
        return record

    def run_twice(self) -> None:
        """The second time must change nothing."""
        self.run()
        self.run()

    def state(self) -> SyncState:
        return self.centra.integration.state(moves.HAND_OVER)

    def later(self) -> None:
        """Every wait is over."""
        Order.objects.filter(wait_until__isnull=False).update(wait_until=timezone.now() - timedelta(seconds=1))

    def calls(self, endpoint: str = "") -> int:
        """How often the shop was called (its plugin must log)."""
        calls = self.centra.plugin.calls.all()
        return (calls.filter(endpoint=endpoint) if endpoint else calls).count()

    # --- what lies where -------------------------------------------------------------------
    def shelf(self, number: int = 0) -> tuple[int, int]:
        """Pieces on hand and reserved here."""
        stock = Stock.objects.get(product=self.items[number][1])
        assert stock.on_hand == sum(stock.movements.values_list("pieces", flat=True)), "the ledger does not add up"
        return stock.on_hand, stock.reserved

    def in_shop(self, number: int = 0) -> tuple[int, int]:
        """Physical and allocated pieces in the shop."""
        size = self.items[number][0]
        size.refresh_from_db()
        return size.physical, size.allocated

    def held(self, order: Order) -> set[str]:
        return {hold.cause for hold in order.holds.all()}

    def taken(self, order: Order) -> int:
        rows = Reservation.objects.filter(reference=order.reservation_key)
        return sum(rows.values_list("deducted", flat=True))


def fresh(order: Order) -> Order:
    return Order.objects.select_related("shipment", "integration", "warehouse").get(pk=order.pk)


def only(there: ShopOrder) -> ShopShipment:
    """The order's one shipment in the shop."""
    return there.shipments.get()


def die(monkeypatch: pytest.MonkeyPatch, owner: object, name: str, *, after: bool, turn: int = 1) -> None:
    """The process ends right before, or right after, the `turn`th call of this."""
    real, counted = getattr(owner, name), [0]

    def deadly(*args: object, **kwargs: object) -> object:
        counted[0] += 1
        if counted[0] == turn and not after:
            raise Killed
        answer = real(*args, **kwargs)
        if counted[0] == turn:
            raise Killed
        return answer

    monkeypatch.setattr(owner, name, deadly)


def captures(desk: Desk, how: str) -> None:
    Integration.objects.filter(pk=desk.centra.integration.pk).update(captures=how)


def collected_once(desk: Desk, there: ShopOrder, order: Order, *, paid: bool = True) -> None:
    """The one good end: one shipment, one capture, the pieces off the shelf once."""
    there.refresh_from_db()
    shipment = only(there)
    here = fresh(order)
    assert here.status == Status.COLLECTING
    assert (shipment.captures, shipment.is_paid) == ((1, True) if paid else (0, False))
    assert shipment.is_good_to_go
    assert here.shipment is not None
    assert (here.shipment.external_id, here.shipment.is_paid) == (shipment.display_id, paid)
    assert Shipment.objects.count() == 1
    assert desk.shelf() == (7, 0)
    assert desk.in_shop() == (10, 3), "the shop counts it until it is completed"
    assert desk.taken(order) == 3
    assert Movement.objects.filter(why=Movement.Why.COLLECTED).count() == 1
    assert (here.handover_error, here.wait_until) == ("", None)


def shows_everything(desk: Desk) -> None:
    desk.centra.plugin.order_statuses = [0, 1, 2, 3, 4, 5, 6]
    desk.centra.plugin.save()
