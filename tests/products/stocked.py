"""A shop's items with pieces on both sides, and orders of both sides, for the tests of what a shop is told."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.utils import timezone

from integrations import sync
from integrations.models import Integration, SyncRun, SyncState
from products.models import Reservation, ShopFigure, Stock, WebshopProduct
from products.stock import push
from sandbox.models import Order, Size
from tests import factories
from tests.conftest import Centra


@dataclass
class Shelf:
    """One item: what lies in the shop's books, and what lies in ours."""

    size: Size
    item: WebshopProduct
    stock: Stock

    @property
    def physical(self) -> int:
        self.size.refresh_from_db()
        return self.size.physical

    @property
    def figure(self) -> ShopFigure:
        return ShopFigure.objects.get(item=self.item)

    def put(self, on_hand: int) -> None:
        """So many pieces lie on our shelf now."""
        Stock.objects.filter(pk=self.stock.pk).update(on_hand=on_hand)

    def hold(self, label: str, shop: str = "", **pieces: int) -> Reservation:
        """An order holds pieces: `held`, `deducted`, `open_in_shop`. Again with the same label, it is changed."""
        row, _new = Reservation.objects.update_or_create(
            stock=self.stock, reference=label, defaults={"shop": shop, "label": label, **pieces}
        )
        rows = Reservation.objects.filter(stock=self.stock)
        Stock.objects.filter(pk=self.stock.pk).update(reserved=sum(row.held for row in rows))
        return row


def shelf(centra: Centra, sku: str = "", shown: int = 0, on_hand: int = 0, **fields: Any) -> Shelf:
    """An item of the shop, linked to a product of which so many pieces lie in the integration's warehouse."""
    sku = sku or f"FG{centra.shop.sizes.count():04}"
    size = centra.shop.add_size(sku, "-NVY", "-M", stock=shown, name=f"Sweater {sku}", **fields)
    product = factories.product(centra.integration.merchant, size.full_sku)
    item = link(centra.integration, size, product=product)
    stock = Stock.objects.create(product=product, warehouse=centra.integration.warehouse, on_hand=on_hand)
    return Shelf(size, item, stock)


def link(integration: Integration, size: Size, **fields: Any) -> WebshopProduct:
    parts = (size.variant.product.sku, size.variant.sku, size.sku)
    return factories.webshop_product(integration, parts, external_id=str(size.pk), ean=size.ean, **fields)


def switch_on(integration: Integration, *, is_read: bool = True, **fields: Any) -> None:
    """*Send stock* is on; `is_read`: what the shop shows was read back this very moment, so that no run does it."""
    Integration.objects.filter(pk=integration.pk).update(sends_stock=True, **fields)
    integration.refresh_from_db()
    now = timezone.now().isoformat()
    integration.state("stock")
    remembers = {"read_back_at": now} if is_read else {}
    SyncState.objects.filter(integration=integration, pipe="stock").update(remembers=remembers)


def one_turn(integration: Integration) -> SyncRun:
    """The pipe's next turn, whatever the clock says."""
    state = integration.state("stock")
    past = timezone.now() - timedelta(seconds=1)
    SyncState.objects.filter(pk=state.pk).update(next_run_at=past, attention="", failed_attempts=0)
    SyncState.objects.filter(pk=state.pk, leased_until__isnull=False).update(leased_until=past)
    record = sync.run(state.pk, push)
    assert record is not None
    record.refresh_from_db()
    return record


def tell(integration: Integration) -> SyncRun:
    """Run until the piece of work is done, and well."""
    record = one_turn(integration)
    while record.outcome == SyncRun.Outcome.RUNNING:
        record = one_turn(integration)
    assert record.outcome == SyncRun.Outcome.SUCCEEDED, record.error
    return record


def calls(centra: Centra, endpoint: str = "POST stock") -> int:
    """How often the shop was called there since debug logging is on."""
    return centra.plugin.calls.filter(endpoint=endpoint).count()


def watch(centra: Centra) -> None:
    """Log every call from now on."""
    centra.plugin.calls.all().delete()
    centra.plugin.logs_calls = True
    centra.plugin.save(update_fields=["logs_calls"])


def buy(centra: Centra, size: Size, pieces: int) -> Order:
    """A confirmed order in the shop."""
    order = centra.shop.place_order({size: pieces})
    order.confirm()
    return order


def ship(order: Order) -> None:
    """Everything of the order is sent and completed in the shop."""
    order.create_shipment(good_to_go=True, capture=True).complete()
