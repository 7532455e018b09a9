"""The offer to tell a shop our stock, made when its goods have arrived and nobody tells the shop yet."""

from __future__ import annotations

from django.db import transaction
from django.db.models import Exists, OuterRef, Subquery
from django.utils.translation import gettext as _

from integrations.models import Integration
from merchants.models import Merchant
from products.models import WebshopProduct


class Taken(Exception):
    """Another integration tells the same shop about the same warehouse; in words."""


def open_offers(merchant: Merchant) -> list[Integration]:
    """Integrations that could tell their shop of goods on hand in their warehouse, and that no other one tells."""
    # The first of them in an index's order: else the database may walk past all that other merchants have.
    goods = WebshopProduct.objects.filter(
        integration=OuterRef("pk"), product__stocks__warehouse=OuterRef("warehouse"), product__stocks__on_hand__gt=0
    )
    first = Subquery(goods.order_by("external_id").values("pk")[:1])
    teller = Integration.objects.telling(OuterRef("shop"), OuterRef("warehouse"), merchant.pk)
    silent = merchant.integrations.filter(~Exists(teller), sends_stock=False).select_related("warehouse")
    return list(silent.alias(first=first).filter(first__isnull=False))


@transaction.atomic
def switch_on(integration: Integration) -> bool:
    """Send stock from now on; says whether that is new. Raises `Taken`.

    All integrations of the shop and warehouse are locked, in the order of their keys, so that of two at once one wins.
    """
    rivals = Integration.objects.filter(shop=integration.shop, warehouse=integration.warehouse_id)
    rows = {row.pk: row for row in rivals.select_for_update(of=("self",)).order_by("pk")}
    own = rows[integration.pk]
    if own.sends_stock:
        return False
    tellers = Integration.objects.telling(own.shop, own.warehouse_id, own.merchant_id)
    if teller := tellers.exclude(pk=own.pk).order_by("pk").first():
        raise Taken(_told_by(teller, integration))
    own.sends_stock = integration.sends_stock = True
    own.save(update_fields=["sends_stock"])
    return True


def _told_by(teller: Integration, integration: Integration) -> str:
    """Names the other one only to its own merchant."""
    words = {"warehouse": integration.warehouse.name, "other": teller.label}
    if teller.merchant_id != integration.merchant_id:
        return _("Another integration tells this shop about the stock in %(warehouse)s; only one may.") % words
    return _("%(other)s tells this shop about the stock in %(warehouse)s; only one integration may.") % words
