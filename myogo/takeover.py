"""A database that was another installation's becomes ours: a restored backup, a move, a copy for trying things out.

What it remembers of shops may be old. So nothing that was told is taken for known, every shop is looked at whole, and
orders whose shop may have been told since are read before they are told. Written last is the name: whatever interrupts
before leaves the database closed, and is done again.
"""

from __future__ import annotations

from dataclasses import dataclass

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations import installation, pipes
from integrations.installation import Installation
from integrations.models import SyncState
from orders.models import Order
from products import stock
from products.models import ShopFigure


@dataclass(frozen=True, slots=True)
class Done:
    """What was done, in rows."""

    figures: int
    orders: int
    integrations: int


def take_over(who: str, *, stops_writing: bool) -> Done:
    """Make it ours. `stops_writing`: until staff allow it, shops are only read."""
    done = Done(figures=forget_figures(), orders=doubt_orders(), integrations=look_at_everything())
    here = installation.current()
    if stops_writing:
        here.stop_writing(who)
    Installation.objects.filter(pk=here.pk).update(name=settings.INSTALLATION, taken_over_at=timezone.now())
    return done


def forget_figures() -> int:
    """Nobody knows what shops were told since: all is read back, then told anew."""
    for state in SyncState.objects.filter(pipe=stock.KEY, remembers__has_key="read_back_at"):
        state.remembers.pop("read_back_at")
        state.save(update_fields=["remembers"])
    return ShopFigure.objects.all().change(told=None, asked=None, retry_at=None)


def doubt_orders() -> int:
    """Sent, and not told as far as we know: with a reason why, the shop is read before it is told."""
    why = _("The database was taken over; the shop is read first.")
    return Order.objects.untold().filter(tell_error="").update(tell_error=why)


def look_at_everything() -> int:
    """Every pipe is due, those that read with everything; what somebody held or had begun elsewhere is let go."""
    now = timezone.now()
    states = SyncState.objects.all()
    states.exclude(place__has_key="other_shop").update(place={})
    states.update(lease="", leased_until=None, rung_at=None, next_run_at=now)
    reading = [key for key, pipe in pipes.PIPES.items() if not pipe.writes]
    asked = states.filter(pipe__in=reading)
    asked.update(asked_at=now, asked_by=_("takeover"))
    return asked.values("integration").distinct().count()
