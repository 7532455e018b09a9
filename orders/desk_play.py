"""*Play warehouse*: for orders of the stand-in's own shops, so that a newcomer sees an order through to the end.

    ask      NEW is marked as collecting; `play_at` says when the parcel may go
    play     every few seconds: what became COLLECTING some seconds ago is shipped with a made-up tracking code

Only where SANDBOX is on. What is owed stands on the order; a worker that dies owes it still.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from urllib.parse import urlsplit

from django.conf import settings
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.connectors.base import ParcelData
from integrations.models import Integration
from orders import desk
from orders.models import Order, OrderQuerySet, Status
from orders.moves import NotPossible

log = logging.getLogger(__name__)

PLAY_SECONDS = 10  # between collecting and sending
BATCH = 100


def is_of_the_stand_in(integration: Integration | None) -> bool:
    """Whether this is a shop of our own stand-in: on this installation's address, under the stand-in's path."""
    if integration is None or not settings.SANDBOX:
        return False
    try:
        address = urlsplit(integration.base_url)
        host = address.hostname or ""
    except ValueError:
        return False
    below = address.path.startswith(reverse("sandbox:home")) and ".." not in address.path
    return below and (host in settings.ALLOWED_HOSTS or _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def ask(orders: Iterable[Order], who: str) -> desk.Outcome:
    """Play the warehouse for these: those that are to be collected or sent. Others are left, with a sentence."""
    outcome, mine = desk.Outcome(), []
    for order in orders:
        try:
            _check(order)
            mine.append(order)
        except NotPossible as error:
            outcome.refusals.append(str(error))
    fresh = [order for order in mine if order.status == Status.NEW and not order.is_being_handed_over]
    marked = desk.mark_collecting(fresh, who)
    outcome.refusals += marked.refusals
    outcome.done = marked.done + [order for order in mine if order not in fresh]
    pks = [order.pk for order in outcome.done]
    Order.objects.filter(pk__in=pks, play_at__isnull=True).update(play_at=timezone.now())
    return outcome


def _check(order: Order) -> None:
    if not is_of_the_stand_in(order.integration):
        raise NotPossible(_("%(order)s is not of a shop of the stand-in; it is left alone.") % {"order": order.label})
    if order.status not in (Status.NEW, Status.COLLECTING):
        said = _("%(order)s is %(status)s: there is nothing to play.")
        raise NotPossible(said % {"order": order.label, "status": order.status.upper()})


def play() -> int:
    """Send what is due; returns how many."""
    if not settings.SANDBOX:
        return 0
    now = timezone.now()
    asked = Order.objects.filter(play_at__lte=now)
    _over(asked).update(play_at=None)
    due = asked.filter(status=Status.COLLECTING, collected_at__lte=now - timedelta(seconds=PLAY_SECONDS))
    oldest = due.select_related("integration", "method__carrier").order_by("play_at", "pk")[:BATCH]
    return sum(_send(order, now) for order in oldest)


def _over(asked: OrderQuerySet) -> OrderQuerySet:
    """Those that went another way: cancelled, held, sent by hand."""
    going_on = Order.objects.filter(status=Status.COLLECTING) | Order.objects.being_handed_over()
    return asked.exclude(pk__in=going_on.values("pk"))


def _send(order: Order, now: datetime) -> bool:
    """Ship one. One that cannot be sent now, for somebody asks to cancel it, is looked at again in a minute."""
    if not is_of_the_stand_in(order.integration):
        Order.objects.filter(pk=order.pk).update(play_at=None)
        return False
    outcome = desk.mark_shipped([(order, parcel_of(order))], _("the played warehouse"))
    later = None if outcome.done else now + timedelta(minutes=1)
    Order.objects.filter(pk=order.pk).update(play_at=later)
    for why in outcome.refusals:
        log.info("The played warehouse waits: %s", why)
    return bool(outcome.done)


def parcel_of(order: Order) -> ParcelData:
    """Carrier and service of the method, and a code that looks like one of theirs where the method has tracking."""
    method = order.method
    if method is None:
        return ParcelData(tracking_code=f"XX{order.pk:09d}XX")
    initials = "".join(letter for letter in method.carrier.name.upper() if letter.isascii() and letter.isalpha())
    code = f"{(initials + 'XX')[:2]}{order.pk:09d}XX" if method.has_tracking else ""
    return ParcelData(carrier=method.carrier.name, service=method.service, tracking_code=code)
