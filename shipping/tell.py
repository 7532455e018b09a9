"""Tell merchants what became of their requests.

    answered, not told ──▶ claim: one conditional update, for LEASE ──▶ mail ──▶ told_at

One mail per merchant, whatever is answered at once. The mail is sent outside any transaction. A mail that fails stays
owed and is tried again when the claim is over; so does one whose worker died, which then may come twice, never not.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _

from merchants import mailing, notify
from merchants.access import in_zone
from merchants.models import Merchant
from shipping.models import MerchantMethod

log = logging.getLogger(__name__)

LEASE = timedelta(minutes=5)


def tell() -> int:
    """Everything that is owed now; returns how many merchants were told."""
    owed = list(MerchantMethod.objects.owed(timezone.now()).order_by().values_list("merchant", flat=True).distinct())
    if not owed or not notify.may_mail():
        return 0
    told = 0
    for merchant in Merchant.objects.filter(pk__in=owed).order_by("pk"):
        try:
            told += _tell(merchant)
        except mailing.Unsent as why:
            log.warning("Merchant %s could not be told of its methods (%s); tried again later.", merchant.pk, why.kind)
            if why.is_down:
                break
    return told


def _tell(merchant: Merchant) -> bool:
    rows = _claim(merchant, timezone.now())
    if not rows:
        return False
    recipients = _recipients(merchant)
    if recipients:
        _mail(merchant, rows, recipients)
    else:
        log.warning("Merchant %s has nobody to tell of its shipping methods; the page says it.", merchant.pk)
    _settle(rows)
    return bool(recipients)


def _claim(merchant: Merchant, now: datetime) -> list[MerchantMethod]:
    """Ours until the lease is over; of several workers one gets each row, told apart by the moment."""
    until = now + LEASE
    MerchantMethod.objects.owed(now).filter(merchant=merchant).update(tell_after=until)
    claimed = MerchantMethod.objects.filter(merchant=merchant, tell_after=until, told_at__isnull=True)
    return list(claimed.with_methods().in_order())


def _recipients(merchant: Merchant) -> list[str]:
    """The linked users who may edit settings and want to hear of it; without any linked, the merchant's contact."""
    linked = merchant.memberships.filter(edits_settings=True, user__is_active=True).select_related("user")
    if not linked:
        return [email for email in [merchant.contact_email] if email]
    return [member.user.email for member in notify.wanting("methods", linked.order_by("pk"))]


def _mail(merchant: Merchant, rows: list[MerchantMethod], recipients: list[str]) -> None:
    subject = _("%(merchant)s: your shipping methods") % {"merchant": " ".join(merchant.name.split())}
    with in_zone(merchant.time_zone):
        text = render_to_string("shipping/email/answered.txt", {"merchant": merchant, "rows": rows})
    mailing.send(subject, text, recipients)


def _settle(rows: list[MerchantMethod]) -> None:
    """Told, unless the warehouse answered anew meanwhile: that is owed again."""
    now = timezone.now()
    for row in rows:
        same = MerchantMethod.objects.filter(pk=row.pk, answered_at=row.answered_at, told_at__isnull=True)
        same.update(told_at=now, tell_after=None)
