"""What linked users are mailed of their shops: one that stopped, or does not answer for an hour."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from integrations.models import SyncState
from merchants.notify import News

SILENT = timedelta(hours=1)


def trouble(since: datetime) -> Iterator[News]:
    """One fact per integration, the first pipe's that failed: what stops one often stops all."""
    waits = Q(failed_attempts__gt=0, failing_since__lte=timezone.now() - SILENT)
    failing = SyncState.objects.filter(~Q(attention="") | waits, is_paused=False, failing_since__isnull=False)
    seen: set[int] = set()
    for state in failing.select_related("integration").order_by("failing_since", "pk"):
        if state.integration_id not in seen:
            seen.add(state.integration_id)
            yield _trouble(state)


def _trouble(state: SyncState) -> News:
    shop = state.integration
    says = _("%(shop)s is stopped. %(why)s") if state.attention else _("%(shop)s waits for an hour and more. %(why)s")
    key = f"{shop.pk}|{state.failing_since:%Y-%m-%dT%H:%M}"
    page = reverse("integrations:edit", args=[shop.merchant_id, shop.pk])
    return News(shop.merchant_id, key, says % {"shop": shop.label, "why": state.last_error}, page)
