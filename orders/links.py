"""What a link of a shipping method changes: shown before it is saved, done afterwards.

    preview   open orders whose words would mean another method; grouped by their words, so that many cost little
    save      the link, in one transaction
    apply     each order that now means another method: the method and the story, then decided again

Orders that the warehouse has, that are closed, or whose method a person chose stay as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta

from django.db import transaction
from django.db.models import Case, Count, Exists, OuterRef, Q, When
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.models import Integration, Tone
from orders import deciding
from orders.models import PROMISED, Cause, Hold, Order, OrderProcessing, OrderQuerySet
from shipping.models import MerchantMethod, MethodLink, fold
from shipping.resolve import Resolved, Resolver

DAYS = 30
ROWS_SHOWN = 50
AT_ONCE = 200  # orders changed in one call; the rest by `catch_up`
GROUPS_ASKED = 50  # groups of words in one query


@dataclass(frozen=True, slots=True)
class Group:
    """Orders that say the same about shipping and have the same method."""

    shop_method: str
    ingrid_method: str
    country: str
    method: int | None
    recent: int = 0
    older: int = 0

    def meaning(self, resolver: Resolver) -> Resolved:
        return resolver.resolve(self.shop_method, self.ingrid_method, self.country)

    def would_change(self, resolver: Resolver) -> bool:
        found = self.meaning(resolver).method
        return (found.pk if found else None) != self.method

    @property
    def orders(self) -> Q:
        words = Q(shop_method=self.shop_method, ingrid_method=self.ingrid_method, country=self.country)
        return words & (Q(method=self.method) if self.method else Q(method__isnull=True))


@dataclass(frozen=True, slots=True)
class Change:
    """One order that would travel otherwise."""

    order: Order
    becomes: Resolved


@dataclass(slots=True)
class Preview:
    """Numbers of orders: of the last `DAYS` days, of them those that would change, older ones that would change too
    because they are still open, and those of the last days that would have gone otherwise but stay as they are.
    """

    total: int
    changing: int
    older: int
    staying: int
    rows: list[Change] = field(default_factory=list)

    @property
    def unshown(self) -> int:
        return self.changing + self.older - len(self.rows)


@dataclass(frozen=True, slots=True)
class Applied:
    """How many orders got another method, how many of the held were freed, how many are left for later."""

    changed: int
    freed: int
    left: int


# --- which orders --------------------------------------------------------------------------


def changeable(integration: Integration) -> OrderQuerySet:
    """The orders whose method follows the links: open, not chosen by hand, no shipment in the making."""
    found = Order.objects.open().filter(integration=integration, is_method_chosen=False)
    return found.filter(warehouse=integration.warehouse_id).exclude(
        handover_asked_at__isnull=False, shipment__isnull=False
    )


def _groups(orders: OrderQuerySet) -> list[Group]:
    since = timezone.now() - timedelta(days=DAYS)
    names = ("shop_method", "ingrid_method", "country", "method")
    counted = (
        orders.order_by()
        .values(*names)
        .annotate(recent=Count("pk", filter=Q(placed_at__gte=since)), older=Count("pk", filter=Q(placed_at__lt=since)))
    )
    return [Group(**{**row, "country": str(row["country"])}) for row in counted.order_by(*names)]


def preview(integration: Integration, now: Resolver, then: Resolver) -> Preview:
    """What would change if the links were as in `then`."""
    open_orders = changeable(integration)
    groups = [group for group in _groups(open_orders) if group.would_change(then)]
    recent = integration.orders.filter(placed_at__gte=timezone.now() - timedelta(days=DAYS))
    settled = _groups(recent.filter(is_method_chosen=False).exclude(pk__in=open_orders.values("pk")))
    return Preview(
        total=recent.count(),
        changing=sum(group.recent for group in groups),
        older=sum(group.older for group in groups),
        staying=sum(one.recent for one in settled if one.meaning(now).method != one.meaning(then).method),
        rows=_rows(open_orders, groups[:GROUPS_ASKED], then),
    )


def _rows(orders: OrderQuerySet, groups: list[Group], then: Resolver) -> list[Change]:
    """The newest of them, with what they become."""
    if not groups:
        return []
    found = orders.filter(_any(groups)).select_related("method__carrier").order_by("-placed_at", "-pk")
    return [
        Change(order, then.resolve(order.shop_method, order.ingrid_method, str(order.country)))
        for order in found[:ROWS_SHOWN]
    ]


def _any(groups: list[Group]) -> Q:
    asked = Q()
    for group in groups:
        asked |= group.orders
    return asked


def waiting(integration: Integration) -> dict[str, int]:
    """How many orders wait for each word, by the folded word."""
    holds = Hold.objects.filter(order__integration=integration, cause=Cause.METHOD).order_by()
    found: dict[str, int] = {}
    for subject, number in holds.values_list("subject").annotate(Count("pk")):
        found[fold(subject)] = found.get(fold(subject), 0) + number
    return found


# --- write ---------------------------------------------------------------------------------


def save(link: MethodLink) -> None:
    """Store it; one for the same word and countries is replaced, also where two people save at once."""
    with transaction.atomic():
        Integration.objects.select_for_update().get(pk=link.integration_id)
        same = MethodLink.objects.filter(integration=link.integration_id, value_folded=fold(link.value))
        for other in same.exclude(pk=link.pk):
            if sorted(other.countries) == sorted(link.countries):
                other.delete()
        link.save()


def apply(integration: Integration, who: str = "", limit: int = AT_ONCE) -> Applied:
    """Give every open order the method that its words mean now, and decide it again; at most `limit` of them."""
    resolver = Resolver.for_integration(integration)
    pks = list(_changing(integration, resolver))
    now = sorted(pks)[:limit]
    changed = [pk for pk in now if _take_over(pk, integration, resolver, who)]
    return Applied(len(changed), deciding.decide_again(changed), len(pks) - len(now))


def catch_up(limit: int = AT_ONCE) -> int:
    """What is still owed anywhere: links with very many orders, methods that became active, were taken back, or demand
    more than they did.

    Orders whose method a person chose keep it, and wait while it is taken back.
    """
    changed = 0
    for integration in Integration.objects.filter(pk__in=Order.objects.open().values("integration")).order_by("pk"):
        if changed < limit:
            changed += apply(integration, limit=limit - changed).changed
    deciding.decide_again(_taken_back().values_list("pk", flat=True)[:limit])
    deciding.decide_again(_lacking()[:limit])
    return changed


def _taken_back() -> OrderQuerySet:
    """Orders that would go with a method which a person chose, and which the merchant may not use any more."""
    rows = MerchantMethod.objects.exclude(state=MerchantMethod.State.ACTIVE)
    lost = rows.filter(merchant=OuterRef("merchant"), method=OuterRef("method"))
    promised = Order.objects.filter(Exists(lost), status__in=PROMISED)
    return promised.exclude(handover_asked_at__isnull=False, shipment__isnull=False)


def _lacking() -> list[int]:
    """Orders that lack what their method demands by now, and of which nothing is begun; those held are decided anyway.

    What was overruled is sorted out here: SQLite looks into no list.
    """
    goes_without = OrderProcessing.objects.filter(merchant=OuterRef("merchant"), sends_without_phone=True)
    no_phone = Q(method__needs_phone=True, phone="") & ~Exists(goes_without)
    no_point = Q(method__needs_pickup_point=True, pickup_point="")
    promised = Order.objects.filter(no_phone | no_point, status__in=PROMISED, handover_asked_at__isnull=True)
    rows = promised.order_by("pk").annotate(no_point=Case(When(no_point, then=True), default=False))
    found = rows.values_list("pk", "overruled", "no_point")
    return [pk for pk, overruled, lacks_point in found if lacks_point or Cause.PHONE not in overruled]


def _changing(integration: Integration, resolver: Resolver) -> Iterator[int]:
    orders = changeable(integration)
    groups = [group for group in _groups(orders) if group.would_change(resolver)]
    for start in range(0, len(groups), GROUPS_ASKED):
        yield from orders.filter(_any(groups[start : start + GROUPS_ASKED])).values_list("pk", flat=True)


def _take_over(pk: int, integration: Integration, resolver: Resolver, who: str) -> bool:
    """The method and a line in the story; nothing where somebody else was at it meanwhile."""
    with transaction.atomic():
        order = changeable(integration).filter(pk=pk).lock().first()
        if order is None:
            return False
        found = resolver.resolve(order.shop_method, order.ingrid_method, str(order.country))
        if (found.method.pk if found.method else None) == order.method_id:
            return False
        order.method = found.method
        order.save(update_fields=["method", "changed_at"])
        label = found.method.label if found.method else _("none")
        said = _("Shipping method: %(method)s. %(why)s") % {"method": label, "why": found.why}
        order.tell(said, Tone.NONE if found.method else Tone.WAIT, who)
        return True
