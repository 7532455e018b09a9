"""The way of a newcomer, until it has been walked."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _

from merchants.models import Merchant
from orders.front.addresses import sync_address, to
from orders.front.facts import Facts
from orders.front.shops import Shop
from products.models import Tab

Row = tuple[str, str, str, str, bool]


@dataclass(frozen=True, slots=True)
class Step:
    """One of the first steps; `is_next` for the one to take now."""

    title: str
    text: str
    url: str
    action: str
    is_done: bool
    is_next: bool = False


def first_steps(merchant: Merchant, facts: Facts, shops: list[Shop]) -> list[Step]:
    """All of them while one is not done; then none."""
    rows = [*_to_products(merchant, shops), *_to_parcels(merchant, facts, shops)]
    undone = [number for number, (*_rest, is_done) in enumerate(rows) if not is_done]
    if not undone:
        return []
    return [Step(*row, is_next=number == undone[0]) for number, row in enumerate(rows)]


def _to_products(merchant: Merchant, shops: list[Shop]) -> list[Row]:
    fullest = max(shops, key=lambda shop: shop.total, default=None)
    sync = fullest.address() if fullest else sync_address(merchant.pk)
    linked = any(shop.items[Tab.LINKED.value] for shop in shops)
    return [
        (
            _("Connect your webshop"),
            _("Make a plugin in Centra and paste its two texts here; the guide stands beside the form."),
            to("integrations:choose", merchant.pk),
            _("New Integration"),
            bool(shops),
        ),
        (
            _("Look at the shop’s products"),
            _("They are read in the background and stand on the left of the page."),
            sync,
            _("Sync webshop products"),
            any(shop.total for shop in shops),
        ),
        (
            _("Create the products"),
            _("All or some: the warehouse keeps them by SKU = product + variant + size."),
            sync,
            _("Choose and create"),
            linked,
        ),
    ]


def _to_parcels(merchant: Merchant, facts: Facts, shops: list[Shop]) -> list[Row]:
    silent = next((shop.integration for shop in shops if not shop.integration.sends_stock), None)
    settings = to("integrations:edit", merchant.pk, silent.pk) + "#settings-stock" if silent else ""
    return [
        (
            _("Link the shipping methods"),
            _("What your shop calls a way of shipping becomes a method of the warehouse."),
            to("shipping:list", merchant.pk),
            _("Shipping methods"),
            facts.has_methods,
        ),
        (
            _("Announce your goods"),
            _("The warehouse then knows what comes, and when; received pieces are in stock at once."),
            to("products:new_stock_update", merchant.pk),
            _("New stock update"),
            facts.has_goods,
        ),
        (
            _("Tell the shop your stock"),
            _("Once the goods are in stock: before that the shop would be told zero."),
            settings or to("products:stock_updates", merchant.pk),
            _("Switch on Send stock"),
            any(shop.integration.sends_stock for shop in shops),
        ),
    ]
