"""*Is anything missing?*: what a shop ever showed = what is here + what was left, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _

from integrations.models import Integration, SyncState
from orders.front.addresses import order_list
from orders.ledger import Stand
from orders.reading import Skip

INTAKE = "intake"


@dataclass(frozen=True, slots=True)
class Part:
    """One number of the equation, and the list behind it."""

    value: int
    label: str
    url: str = ""


@dataclass(frozen=True, slots=True)
class Equation:
    """Of one integration; `lost` orders were seen once, and are neither here nor skipped."""

    integration: Integration
    whole: Part
    parts: list[Part]
    lost: int
    swept_at: datetime
    next_at: datetime | None

    @property
    def adds_up(self) -> bool:
        return not self.lost and self.whole.value == sum(part.value for part in self.parts)


def of(integration: Integration, states: list[SyncState], now: datetime) -> Equation | None:
    """As the last sweep left it; nothing before the first."""
    state = next((state for state in states if state.pipe == INTAKE), None)
    knows = state.remembers if state else {}
    if state is None or "ledger" not in knows or "swept_at" not in knows:
        return None
    swept_at = datetime.fromisoformat(knows["swept_at"])
    next_at = max(swept_at + timedelta(seconds=settings.SWEEP_SECONDS), state.next_run_at, now)
    ledger: Mapping[str, Any] = knows["ledger"]
    return Equation(
        integration=integration,
        whole=Part(ledger["shown"], _("the shop showed")),
        parts=parts(integration, ledger),
        lost=ledger.get("lost", 0),
        swept_at=swept_at,
        next_at=None if state.is_paused else next_at,
    )


def parts(integration: Integration, ledger: Mapping[str, Any]) -> list[Part]:
    """Here and held always, the rest where there is any."""
    found = [
        Part(ledger["here"], _("here"), _listed(integration, Stand.HERE)),
        Part(ledger["held"], _("held"), _listed(integration, Stand.HELD)),
    ]
    if waiting := ledger.get("waiting", 0):
        found.append(Part(waiting, _("waiting for the shop"), _listed(integration, Stand.WAITING)))
    labels = skip_labels()
    found += [Part(number, labels.get(why, why)) for why, number in sorted(ledger.get("skipped", {}).items())]
    if unreadable := ledger.get("unreadable", 0):
        found.append(Part(unreadable, _("could not be read"), _listed(integration, Stand.UNREADABLE)))
    return found


def _listed(integration: Integration, stand: Stand) -> str:
    return order_list(integration.merchant_id, shop=integration.pk, stands=stand.value)


def skip_labels() -> dict[str, str]:
    """Why orders were not taken, in words for the page."""
    return {
        Skip.OLDER.value: _("older than you take"),
        Skip.CANCELLED.value: _("cancelled there"),
        Skip.SENT.value: _("already sent"),
        Skip.ELSEWHERE.value: _("sent from elsewhere"),
        Skip.OTHER.value: _("taken by another integration"),
        Skip.AS_SHIPMENTS.value: _("taken as shipments"),
        Skip.WHOLE.value: _("taken as a whole order"),
        Skip.UNSEEN.value: _("shown only as a shipment"),
    }
