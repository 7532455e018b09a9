"""What linked users are mailed of their goods: received, below the alarm level, braked before the shop is told zero."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Min, OuterRef, Subquery, Sum
from django.db.models.functions import Coalesce
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.models import Integration
from merchants.notify import News
from products.models import Movement, Product, ShopFigure, StockUpdate


def received(since: datetime) -> Iterator[News]:
    """What came of a stock update; news again when more comes."""
    lines = StockUpdate.objects.filter(changed_at__gte=since, arrived_at__isnull=False)
    for row in lines.annotate(came=Sum("lines__received"), announced=Sum("lines__expected")).order_by("pk"):
        says = _("Stock update %(number)s: %(came)d of %(announced)d announced pieces received.")
        text = says % {"number": row.number, "came": row.came or 0, "announced": row.announced or 0}
        page = reverse("products:stock_update", args=[row.merchant_id, row.pk])
        yield News(row.merchant_id, f"{row.pk}|{row.came or 0}", text, page)


def low(since: datetime) -> Iterator[News]:
    """Fewer pieces available than the alarm level; news again after goods were received meanwhile."""
    arrivals = Movement.objects.filter(stock__product=OuterRef("pk"), why=Movement.Why.RECEIVED).order_by()
    counted = arrivals.values("stock__product").annotate(n=Count("pk")).values("n")
    free = Coalesce(Sum(F("stocks__on_hand") - F("stocks__reserved")), 0)
    watched = Product.objects.filter(alarm_level__isnull=False).annotate(free=free, arrivals=Subquery(counted))
    rows = watched.filter(free__lt=F("alarm_level")).order_by("pk")
    for row in rows.values("merchant", "pk", "sku", "free", "alarm_level", "arrivals").iterator():
        text = _("%(sku)s: %(free)d available, the alarm level is %(alarm_level)d.") % row
        page = reverse("products:edit", args=[row["merchant"], row["pk"]])
        yield News(row["merchant"], f"{row['pk']}|{row['alarm_level']}|{row['arrivals'] or 0}", text, page)


def braked(since: datetime) -> Iterator[News]:
    """Items that would become zero in the shop, and wait for a person."""
    waiting = ShopFigure.objects.filter(braked_at__isnull=False).order_by()
    rows: Any = waiting.values(shop=F("item__integration")).annotate(n=Count("pk"), first=Min("braked_at"))
    found = {row["shop"]: row for row in rows}
    for shop in Integration.objects.filter(pk__in=found).order_by("pk"):
        row = found[shop.pk]
        says = ngettext(
            "%(n)d item would become zero in %(shop)s and waits for your word.",
            "%(n)d items would become zero in %(shop)s and wait for your word.",
            row["n"],
        )
        page = reverse("products:shop_stock", args=[shop.merchant_id, shop.pk])
        key = f"{shop.pk}|{row['first']:%Y-%m-%dT%H:%M}"
        yield News(shop.merchant_id, key, says % {"n": row["n"], "shop": shop.label}, page)
