"""Single facts about a merchant, asked for in one query."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Count, Exists, F, IntegerField, JSONField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce, JSONObject

from merchants.models import Merchant
from products.models import Product, Reservation, Stock, StockUpdate
from shipping.models import MerchantMethod, MethodLink

ANSWERS_READ = 5
ANSWERED = timedelta(days=7)  # how long an answer about a shipping method is news


@dataclass(frozen=True, slots=True)
class Answer:
    """What the warehouse answered about a shipping method."""

    carrier: str
    service: str
    state: str
    said: str

    @property
    def is_active(self) -> bool:
        return self.state == MerchantMethod.State.ACTIVE


@dataclass(frozen=True, slots=True)
class Facts:
    """`products_short` counts products of which promised pieces are not there; of `answers` the latest come first."""

    products: int
    products_short: int
    active_methods: int
    has_links: bool
    has_stock: bool
    has_announced: bool
    answers: list[Answer]

    @property
    def has_goods(self) -> bool:
        return self.has_stock or self.has_announced

    @property
    def has_methods(self) -> bool:
        """Whether the shop's words for shipping mean something: linked, or one active method that is the default."""
        return self.active_methods == 1 or (self.active_methods > 1 and self.has_links)


def of(merchant: Merchant, now: datetime) -> Facts:
    short = Reservation.objects.filter(promised_at__isnull=False, is_covered=False, held__gt=0)
    goods = Stock.objects.filter(product__merchant=OuterRef("pk"), on_hand__gt=0)
    announced = StockUpdate.objects.filter(merchant=OuterRef("pk"))
    links = MethodLink.objects.filter(integration__merchant=OuterRef("pk"))
    rows = Merchant.objects.filter(pk=merchant.pk).order_by()
    row = rows.values_list(
        _count(Product.objects.all(), "merchant", Count("*")),
        _count(short, "stock__product__merchant", Count("stock__product", distinct=True)),
        _count(MerchantMethod.objects.active(), "merchant", Count("pk")),
        Exists(links),
        Exists(goods),
        Exists(announced),
        *_answers(now),
    ).get()
    answers = [Answer(**answer) for answer in row[-ANSWERS_READ:] if answer]
    found: list[Any] = [*row[:-ANSWERS_READ], answers]
    return Facts(*found)


def _answers(now: datetime) -> list[Subquery]:
    """One value for each: a query of its own would be one more. What needed no activation is no answer."""
    rows = MerchantMethod.objects.filter(
        merchant=OuterRef("pk"), answered_at__gte=now - ANSWERED, answered_at__gt=F("requested_at")
    )
    named = JSONObject(carrier="method__carrier__name", service="method__service", state="state", said="answer")
    said = rows.order_by("-answered_at", "-pk").annotate(all=named).values("all")
    return [Subquery(said[n : n + 1], output_field=JSONField()) for n in range(ANSWERS_READ)]


def _count(rows: QuerySet[Any], merchant: str, what: Count) -> Coalesce:
    """How many of the merchant."""
    mine = rows.filter(**{merchant: OuterRef("pk")}).order_by().values(merchant)
    number = mine.annotate(number=what).values("number")
    return Coalesce(Subquery(number), 0, output_field=IntegerField())
