"""Mail linked users what they want to hear of (MISC → Email notifications).

    what is so now ──▶ note: a row per user and fact, once ──▶ claim ──▶ one mail per user and merchant ──▶ told_at

Upper floors register kinds of news, each with a question that finds what is new; nothing that happens waits for a mail.
The first news goes out at once, what follows is collected for `GAP`. A mail that fails stays owed; so does one whose
worker died, which then may come twice, never not.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django_stubs_ext import StrPromise

from merchants import mailing
from merchants.access import in_zone
from merchants.models import Membership, Merchant, Notification

log = logging.getLogger(__name__)

WINDOW = timedelta(days=1)  # what is older when it is first looked at is no news
GAP = timedelta(minutes=15)  # between two mails to one user about one merchant
LEASE = timedelta(minutes=5)
KEPT = timedelta(days=30)
LINES = 30  # of one kind in one mail; the rest is a number


@dataclass(frozen=True, slots=True)
class News:
    """One fact of a merchant: what tells it from others of its kind, a sentence, the page where it is mended."""

    merchant: int
    key: str
    text: str
    path: str = ""


@dataclass(frozen=True, slots=True)
class Kind:
    """`label` completes “Mail me when …”. `find` gets the moment since when something is news.

    Without `find` the floor that registers it sends its own mail, and asks `wanting`.
    """

    key: str
    label: str | StrPromise
    find: Callable[[datetime], Iterable[News]] | None = None


KINDS: dict[str, Kind] = {}


def _always() -> bool:
    return True


# Asked before anything is mailed; the floor that knows whose database this is sets it. A copy writes to nobody.
may_mail: Callable[[], bool] = _always


def asks(answer: Callable[[], bool]) -> None:
    global may_mail
    may_mail = answer


def register(kind: Kind) -> None:
    KINDS[kind.key] = kind


def choices() -> list[tuple[str, str | StrPromise]]:
    return [(kind.key, kind.label) for kind in KINDS.values()]


def wanting(key: str, members: Iterable[Membership]) -> list[Membership]:
    """Those who did not switch this kind off."""
    return [member for member in members if key not in member.muted]


def mute(member: Membership, keys: list[str]) -> None:
    """Switch these off and all others on; what is owed of them is not sent any more."""
    member.muted = keys
    member.save(update_fields=["muted"])
    member.notifications.filter(kind__in=keys, told_at__isnull=True).delete()


def notify() -> int:
    """Look for news, and mail what is owed; returns how many mails went out."""
    if not may_mail():
        return 0
    now = timezone.now()
    for kind in list(KINDS.values()):
        try:
            _note(kind, now)
        except Exception:  # a fault of one floor is no reason to be silent about the others
            log.exception("News of the kind “%s” could not be looked for; the others are.", kind.key)
    Notification.objects.filter(created_at__lt=now - KEPT).delete()
    owed = Notification.objects.owed(now).order_by().values("membership")
    ready = Q(mailed_at__isnull=True) | Q(mailed_at__lte=now - GAP)
    members = Membership.objects.filter(ready, pk__in=owed, user__is_active=True).select_related("user", "merchant")
    sent = 0
    for member in members.order_by("pk"):
        try:
            sent += _tell(member, now)
        except mailing.Unsent as why:
            log.warning("User %s could not be mailed (%s); tried again later.", member.user_id, why.kind)
            if why.is_down:
                break
    return sent


# --- what is new ---------------------------------------------------------------------------


def _note(kind: Kind, now: datetime) -> None:
    """A row for each linked user who wants it, of facts that have none yet."""
    found: dict[int, list[News]] = defaultdict(list)
    for news in kind.find(now - WINDOW) if kind.find else ():
        found[news.merchant].append(news)
    if not found:
        return
    members = wanting(kind.key, Membership.objects.filter(merchant__in=found, user__is_active=True))
    known = set(Notification.objects.filter(membership__in=members, kind=kind.key).values_list("membership", "key"))
    rows = [
        Notification(membership=member, kind=kind.key, key=news.key, text=news.text, path=news.path)
        for member in members
        for news in found[member.merchant_id]
        if (member.pk, news.key) not in known
    ]
    Notification.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


# --- the mail ------------------------------------------------------------------------------


def _tell(member: Membership, now: datetime) -> bool:
    rows = _claim(member, now)
    if not rows:
        return False
    _mail(member, rows)
    Notification.objects.filter(pk__in=[row.pk for row in rows]).update(told_at=timezone.now(), tell_after=None)
    Membership.objects.filter(pk=member.pk).update(mailed_at=timezone.now())
    return True


def _claim(member: Membership, now: datetime) -> list[Notification]:
    """Ours until the lease is over; of several workers one gets each row, told apart by the moment."""
    until = timezone.now() + LEASE
    member.notifications.owed(now).update(tell_after=until)
    return list(member.notifications.filter(tell_after=until, told_at__isnull=True).order_by("pk"))


def _mail(member: Membership, rows: list[Notification]) -> None:
    subject = _subject(member.merchant, rows)
    with in_zone(member.merchant.time_zone):
        text = render_to_string("merchants/email/news.txt", {"groups": _grouped(rows), **_frame(member)})
    mailing.send(subject, text, [member.user.email])


def _subject(merchant: Merchant, rows: list[Notification]) -> str:
    """The one fact in its own words, several as a number; no line break gets into a header."""
    news = rows[0].text if len(rows) == 1 else _("%(n)d pieces of news") % {"n": len(rows)}
    return " ".join(f"{merchant.name}: {news}".split())[:180]


def _grouped(rows: list[Notification]) -> list[tuple[str, list[tuple[str, str]], int]]:
    """Per kind: its words, its first lines with their addresses, and how many more there are."""
    by_kind: dict[str, list[Notification]] = defaultdict(list)
    for row in rows:
        by_kind[row.kind].append(row)
    return [
        (
            str(KINDS[key].label) if key in KINDS else key,
            [(row.text, _address(row.path)) for row in some[:LINES]],
            max(0, len(some) - LINES),
        )
        for key, some in by_kind.items()
    ]


def _frame(member: Membership) -> dict[str, object]:
    settings_page = _address(reverse("merchants:notifications", args=[member.merchant_id]))
    return {"merchant": member.merchant, "address": settings_page}


def _address(path: str) -> str:
    """Where the portal stands is known from `PORTAL_URL` alone: there is no request to read it from."""
    return f"{settings.PORTAL_URL}{path}" if path and settings.PORTAL_URL else ""
