"""What linked users are mailed of their orders: why some wait, what only they can decide, what the warehouse answered.

Nothing of it names a customer: a mail is kept longer than personal data may be.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Count, F, Max, Min, Q
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from merchants.models import Membership, Merchant
from merchants.notify import News
from orders.front import holds as groups
from orders.models import ASKED_OF_MERCHANT, CLOSED, Cause, Hold, Order, Status
from orders.models.hold import OF_THE_SHOP

MOST = 2000  # orders at one look; the next look finds the rest, for what was noted stays noted


def waiting(since: datetime) -> Iterator[News]:
    """What somebody here can mend, one fact per cause and day: a thousand orders for one word are one line."""
    apart = [*OF_THE_SHOP, Cause.CUSTOMISATION]
    holds = Hold.objects.filter(order__status=Status.RESERVED, since__gte=since).exclude(cause__in=apart).order_by()
    rows: Any = holds.values("cause", "subject", merchant=F("order__merchant"), shop=F("order__integration")).annotate(
        number=Count("order", distinct=True),
        oldest=Min("since"),
        latest=Max("since"),
        first=Min("order"),
    )
    found = list(rows)
    merchants = Merchant.objects.in_bulk({row["merchant"] for row in found})
    for row in found:
        yield _waiting(merchants[row["merchant"]], row)


def _waiting(merchant: Merchant, row: dict[str, Any]) -> News:
    cause, subject, shop, number = Cause(row["cause"]), row["subject"], row["shop"], row["number"]
    group = groups.Group(cause, subject, shop, number, row["oldest"], row["first"], "")
    title = ngettext("%(n)d order waits: %(why)s.", "%(n)d orders wait: %(why)s.", number)
    text = title % {"n": number, "why": groups.why(group)}
    key = f"{shop}|{cause}|{row['latest']:%Y-%m-%d}|{subject}"
    return News(merchant.pk, key, text, groups.mend(merchant, group)[0])


def customised(since: datetime) -> Iterator[News]:
    """Orders stopped because the customer asked for something special."""
    holds = Hold.objects.filter(cause=Cause.CUSTOMISATION, order__status=Status.RESERVED, since__gte=since)
    for hold in holds.select_related("order").order_by("pk")[:MOST]:
        text = _("Order %(order)s asks for a customisation: forward it, or take it out.") % {"order": hold.order.label}
        yield _of(hold.order, f"{hold.order_id}|{hold.since:%Y-%m-%d}", text)


def asked(since: datetime) -> Iterator[News]:
    """Paid or handed-over orders that only the merchant can decide; a reminder after a month."""
    says = {
        "refund": _("Order %(order)s is paid and will not be sent: refund it in the shop, then tick it off."),
        "short": _("Order %(order)s: fewer pieces were found than ordered. It is paid, so you decide."),
        "unpaid": _("Order %(order)s is sent and not paid: the shop refused the payment."),
        "untold": _("Order %(order)s is sent, and the shop does not take it."),
    }
    for question, which in ASKED_OF_MERCHANT.items():
        for order in Order.objects.filter(which, merchant__in=_linked()).order_by("pk")[:MOST]:
            yield _of(order, f"{question}|{order.pk}", says[question] % {"order": order.label})


def answered(since: datetime) -> Iterator[News]:
    """What the warehouse said to a requested cancellation."""
    says = {
        "agreed": _("Order %(order)s is cancelled; the warehouse put the pieces back."),
        "too late": _("Order %(order)s could not be cancelled any more: it was too late."),
    }
    lately = Q(status=Status.COLLECTING) | Q(status__in=CLOSED, erased_at=None, status_changed_at__gte=since)
    orders = Order.objects.filter(lately, merchant__in=_linked(), cancel_answered_at__gte=since)
    for order in orders.order_by("pk")[:MOST]:
        if order.cancel_answer in says:
            key = f"{order.pk}|{order.cancel_answered_at:%Y-%m-%dT%H:%M}"
            yield _of(order, key, says[order.cancel_answer] % {"order": order.label})


def _linked() -> Any:
    return Membership.objects.order_by().values("merchant").distinct()


def _of(order: Order, key: str, text: str) -> News:
    return News(order.merchant_id, key, text, order.get_absolute_url())
