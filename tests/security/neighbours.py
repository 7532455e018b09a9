"""Two merchants with one of everything, and each field of a form or an address that takes an id, tried with both's."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.models import Integration, SyncRun
from merchants.models import Channel, Merchant, User
from orders.models import Order, OrderLine, Status
from products.models import Product, StockUpdate, WebshopProduct
from shipping.models import MerchantMethod, ShippingMethod
from tests import factories
from tests.integrations import filled
from tests.products.goods import announce
from tests.shipping import things

NOBODY_LISTENS = "http://127.0.0.1:1/api/order-api"
CHANGES_BY_ITSELF = {"django_session", "django_admin_log"}


@dataclass
class Neighbour:
    """A merchant with one of everything; every word of it that a page could show begins with `name`."""

    name: str
    owner: User
    merchant: Merchant
    shop: Integration
    item: WebshopProduct
    new_item: WebshopProduct
    product: Product
    update: StockUpdate
    order: Order
    line: OrderLine
    offered: ShippingMethod  # by the warehouse; not asked for yet
    method: MerchantMethod
    answer: SyncRun
    channel: Channel

    @classmethod
    def move_in(cls, name: str) -> Neighbour:
        owner = factories.user(name=f"{name}-owner")
        merchant = factories.merchant(owner, name=f"{name}-merchant")
        house = merchant.warehouses.get()
        house.name, house.code = f"{name}-house", f"{name}-H"
        house.save()
        shop = factories.integration(merchant, name=f"{name}-shop", base_url=NOBODY_LISTENS)
        product = factories.product(merchant, sku=f"{name}-SKU", name=f"{name}-product")
        item = factories.webshop_product(shop, (f"{name}-SKU", "", ""), name=f"{name}-item", product=product)
        new_item = factories.webshop_product(shop, (f"{name}-NEW", "", ""), name=f"{name}-new-item")
        method = things.active(merchant, f"{name}-method")
        order = factories.order(merchant, method=method.method, number=f"{name}-number", name=f"{name}-customer")
        line = factories.order_line(order, product, 5)
        counts = {"chosen": len(name) * 1_111, "created": len(name) * 1_111}  # THEIRS: 6,666
        now = timezone.now()
        answer = SyncRun.objects.create(
            integration=shop, pipe="create", started_at=now, ended_at=now, counts=counts, outcome="succeeded"
        )
        update = announce(merchant, {product: 3}, supplier=f"{name}-supplier")
        offered = things.method(house, f"{name}-offered")
        channel = merchant.channels.create(name=f"{name}-channel")
        goods = (shop, item, new_item, product, update, order, line, offered, method)
        return cls(name, owner, merchant, *goods, answer, channel)

    @property
    def house(self) -> int:
        return self.shop.warehouse_id


@dataclass(frozen=True)
class Case:
    """One field that takes an id: what is sent, by whom, with whose id.

    `changes`: sent with one's own id, something is written, so that a refusal is the id's doing.
    """

    field: str
    send: Callable[[Client, Neighbour, Neighbour], Any]
    changes: bool = True


def url(page: str, mine: Neighbour, *args: int) -> str:
    return reverse(page, args=[mine.merchant.pk, *args])


def integration_form(page: str, *args: str, field: str = "") -> Callable[[Client, Neighbour, Neighbour], Any]:
    def send(client: Client, mine: Neighbour, of: Neighbour) -> Any:
        key = [mine.shop.pk] if page.endswith("edit") else list(args)
        name = "Renamed" if page.endswith("edit") else "Another"
        changes: dict[str, Any] = {"name": name, "base_url": NOBODY_LISTENS}
        changes |= {"channel": of.channel.pk} if field == "channel" else {"warehouse": of.house}
        return client.post(url(page, mine, *key), filled.form(mine.merchant, **changes))

    return send


def stock_update(page: str, **fields: Callable[[Neighbour], Any]) -> Callable[[Client, Neighbour, Neighbour], Any]:
    def send(client: Client, mine: Neighbour, of: Neighbour) -> Any:
        typed = {
            "warehouse": mine.house,
            "expected_on": timezone.localdate().isoformat(),
            "supplier": "S",
            "reference": "R",
        }
        typed |= {"sku": mine.product.sku, "pieces": "9"}
        typed |= {name: value(of) for name, value in fields.items()}
        return client.post(url(page, mine, *([mine.update.pk] if "edit" in page else [])), typed)

    return send


def order_form(page: str, **fields: Callable[[Neighbour], Any]) -> Callable[[Client, Neighbour, Neighbour], Any]:
    def send(client: Client, mine: Neighbour, of: Neighbour) -> Any:
        address = {"name": "Bo", "address": "Storgatan 1", "zip_code": "1", "city": "Lund", "country": "SE"}
        typed: dict[str, Any] = {"number": "N-1", "warehouse": mine.house, "method": mine.method.method_id, **address}
        typed |= {"line": mine.line.pk if "edit" in page else "", "sku": mine.product.sku, "pieces": "1", "price": ""}
        typed |= {name: value(of) for name, value in fields.items()}
        return client.post(url(page, mine, *([mine.order.pk] if "edit" in page else [])), typed)

    return send


def apply(act: str, *, chosen: bool) -> Callable[[Client, Neighbour, Neighbour], Any]:
    def send(client: Client, mine: Neighbour, of: Neighbour) -> Any:
        typed = {"shop": mine.shop.pk, "act": act if chosen else f"{act} {of.new_item.pk}"}
        return client.post(url("products:apply", mine), {**typed, **({"chosen": of.new_item.pk} if chosen else {})})

    return send


def link(client: Client, mine: Neighbour, of: Neighbour) -> Any:
    typed = {"value": "dhl", "method": of.method.pk, "act": "save", "seen": f"dhl||{of.method.pk}"}
    return client.post(url("orders:link", mine, mine.shop.pk), typed)


def split(client: Client, mine: Neighbour, of: Neighbour) -> Any:
    return client.post(url("orders:split", mine, mine.order.pk), {f"pieces-{of.line.pk}": "2"})


def cancel(client: Client, mine: Neighbour, of: Neighbour) -> Any:
    return client.post(url("orders:cancel_many", mine), {"chosen": of.order.pk, "yes": "1"})


def ask_for_method(client: Client, mine: Neighbour, of: Neighbour) -> Any:
    return client.post(url("shipping:new", mine), {"methods": of.offered.pk})


def refresh(client: Client, mine: Neighbour, of: Neighbour) -> Any:
    return client.post(url("products:refresh", mine), {"shop": of.shop.pk})


def apply_in_shop(client: Client, mine: Neighbour, of: Neighbour) -> Any:
    return client.post(url("products:apply", mine), {"shop": of.shop.pk, "act": "ignore", "chosen": of.new_item.pk})


def new_merchant(client: Client, mine: Neighbour, of: Neighbour) -> Any:
    return client.post(reverse("merchants:create"), {"name": "Third", "warehouse": of.house})


def look(page: str, **words: Callable[[Neighbour], Any]) -> Callable[[Client, Neighbour, Neighbour], Any]:
    """An address that names an id; looking writes nothing."""

    def send(client: Client, mine: Neighbour, of: Neighbour) -> Any:
        return client.get(url(page, mine), {name: value(of) for name, value in words.items()})

    return send


CASES = {
    "IntegrationForm.warehouse, new": Case("warehouse", integration_form("integrations:new", "centra")),
    "IntegrationForm.warehouse": Case("warehouse", integration_form("integrations:edit")),
    "IntegrationForm.channel": Case("channel", integration_form("integrations:edit", field="channel")),
    "NewMerchantForm.warehouse": Case("warehouse", new_merchant),
    "StockUpdateForm.warehouse, new": Case(
        "warehouse", stock_update("products:new_stock_update", warehouse=lambda of: of.house)
    ),
    "StockUpdateForm.warehouse": Case(
        "warehouse", stock_update("products:edit_stock_update", warehouse=lambda of: of.house)
    ),
    "products:new_stock_update sku": Case(
        "sku", stock_update("products:new_stock_update", sku=lambda of: of.product.sku)
    ),
    "products:new_stock_update pasted": Case(
        "pasted",
        stock_update(
            "products:new_stock_update",
            sku=lambda of: "",
            pieces=lambda of: "",
            pasted=lambda of: f"{of.product.sku}\t4",
        ),
    ),
    "products:refresh shop": Case("shop", refresh),
    "products:apply shop": Case("shop", apply_in_shop),
    **{f"products:apply act {act}": Case("act", apply(act, chosen=False)) for act in ("create", "ignore")},
    **{f"products:apply chosen, {act}": Case("chosen", apply(act, chosen=True)) for act in ("create", "ignore")},
    **{
        f"products:apply act {act}": Case("act", apply(act, chosen=False), changes=False)
        for act in ("relink", "keep", "unignore")
    },
    "RequestForm.methods": Case("methods", ask_for_method),
    "NewOrderForm.warehouse": Case("warehouse", order_form("orders:new", warehouse=lambda of: of.house)),
    "NewOrderForm.method": Case("method", order_form("orders:new", method=lambda of: of.method.method_id)),
    "NewOrderForm.channel": Case("channel", order_form("orders:new", channel=lambda of: of.channel.pk)),
    "orders:new sku": Case("sku", order_form("orders:new", sku=lambda of: of.product.sku)),
    "OrderForm.method": Case("method", order_form("orders:edit", method=lambda of: of.method.method_id)),
    "orders:edit line": Case("line", order_form("orders:edit", line=lambda of: of.line.pk)),
    "orders:edit sku": Case("sku", order_form("orders:edit", sku=lambda of: of.product.sku)),
    "orders:split pieces": Case("pieces-", split),
    "orders:cancel_many chosen": Case("chosen", cancel),
    "LinkForm.method": Case("method", link),
    # What is only looked at.
    "OrderFilter.shop": Case("shop", look("orders:list", shop=lambda of: of.shop.pk), changes=False),
    "OrderFilter.warehouse": Case("warehouse", look("orders:list", warehouse=lambda of: of.house), changes=False),
    "ProductFilter.origin": Case("origin", look("products:list", origin=lambda of: of.shop.pk), changes=False),
    "StockUpdateFilter.warehouse": Case(
        "warehouse", look("products:stock_updates", warehouse=lambda of: of.house), changes=False
    ),
    "WarehouseForm.warehouse": Case("warehouse", look("shipping:new", warehouse=lambda of: of.house), changes=False),
    "products:sync shop": Case("shop", look("products:sync", shop=lambda of: of.shop.pk), changes=False),
    "products:progress shop": Case("shop", look("products:progress", shop=lambda of: of.shop.pk), changes=False),
    "products:creation shop": Case("shop", look("products:creation", shop=lambda of: of.shop.pk), changes=False),
    "products:creation answer": Case("answer", look("products:sync", answer=lambda of: of.answer.pk), changes=False),
    "orders:shop_methods shop": Case("shop", look("orders:shop_methods", shop=lambda of: of.shop.pk), changes=False),
}


def everything(but: set[str] | None = None) -> dict[str, list[str]]:
    """Every row of every table, also of those that say who belongs to what."""
    there = set(connection.introspection.table_names()) - CHANGES_BY_ITSELF - (but or set())
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.db_table in there]
    return {
        model._meta.label: [json.dumps(row, default=str) for row in model._base_manager.order_by("pk").values()]
        for model in models
    }


def is_cancelled(order: Order) -> bool:
    return Order.objects.filter(pk=order.pk, status=Status.CANCELLED).exists()
