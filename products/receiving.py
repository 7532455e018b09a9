"""What a warehouse does with announced goods: counts them in, or says that the rest does not come.

    the staff's form ──counts──▶ receive()   update locked, then its stock in the order of the keys, then the ledger
                                 close()     what is missing is no longer coming
    the merchant ──────────────▶ cancel()    while nothing has arrived

Each is one transaction; a refusal is a sentence and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from products.models import Movement, Stock, StockUpdate, StockUpdateLine

MOST_PIECES = 1_000_000  # of one SKU at once


class NotReceived(Exception):
    """Why nothing was written, in words for whoever pressed."""


class Meanwhile(NotReceived):
    """Somebody was faster; what the form showed is no longer so."""


@transaction.atomic
def receive(
    update_pk: int,
    counts: Mapping[int, int],
    who: str,
    comment: str = "",
    *,
    shown: Mapping[int, int] | None = None,
    comments: Mapping[int, str] | None = None,
) -> int:
    """Put counted pieces on the shelf; returns how many. More than announced is fine.

    `counts` maps keys of lines to the pieces that came now; `shown` to the received pieces that the form showed, so
    that a form sent twice, or by two people, counts once. `comment` is for the whole, `comments` for single lines;
    neither wipes what stands there. Raises `NotReceived`, and `StockUpdate.DoesNotExist`.
    """
    update = _locked(update_pk)
    lines = {line.pk: line for line in update.lines.select_related("product")}
    _check(update, lines, counts, shown)
    _remark(update, lines, comment, comments or {})
    arrived = [(lines[pk], pieces) for pk, pieces in counts.items() if pieces]
    _put_on_shelf(update, arrived, who)
    _settle(update, lines.values(), is_arrival=bool(arrived))
    return sum(pieces for _line, pieces in arrived)


@transaction.atomic
def close(update_pk: int) -> StockUpdate:
    """The rest does not come: nothing of it is expected any more. Raises `NotReceived`."""
    update = _locked(update_pk)
    if update.status != StockUpdate.Status.PARTLY:
        raise NotReceived(_("Only an update of which a part has arrived can be closed."))
    update.status = StockUpdate.Status.RECEIVED
    update.save(update_fields=["status", "changed_at"])
    return update


@transaction.atomic
def cancel(update_pk: int) -> StockUpdate:
    """The goods do not come at all. Raises `NotReceived` once something has arrived."""
    update = _locked(update_pk)
    if update.status == StockUpdate.Status.CANCELLED:
        return update
    if update.status != StockUpdate.Status.NEW:
        raise NotReceived(_("Goods of this update have arrived; it can no longer be cancelled."))
    update.status = StockUpdate.Status.CANCELLED
    update.save(update_fields=["status", "changed_at"])
    return update


def _locked(update_pk: int) -> StockUpdate:
    return StockUpdate.objects.select_for_update(of=("self",)).get(pk=update_pk)


def _check(
    update: StockUpdate,
    lines: Mapping[int, StockUpdateLine],
    counts: Mapping[int, int],
    shown: Mapping[int, int] | None,
) -> None:
    if update.status == StockUpdate.Status.CANCELLED:
        raise NotReceived(_("%(number)s was cancelled by the merchant; nothing was received.") % {"number": update})
    now = {pk: line.received for pk, line in lines.items()}
    if counts.keys() - now.keys() or any(now.get(pk) != received for pk, received in (shown or {}).items()):
        raise Meanwhile(
            _("Somebody else received or changed lines meanwhile. Nothing was written; look at the new figures first.")
        )
    for pk, pieces in counts.items():
        _check_one(lines[pk], pieces)


def _check_one(line: StockUpdateLine, pieces: int) -> None:
    words = {"sku": line.product.sku, "most": MOST_PIECES}
    if pieces < 0:
        raise NotReceived(
            _("%(sku)s: pieces are only added here. To take some away, adjust the stock and say why.") % words
        )
    if pieces > MOST_PIECES:
        raise NotReceived(_("%(sku)s: at most %(most)d pieces at once.") % words)


def _remark(
    update: StockUpdate, lines: Mapping[int, StockUpdateLine], comment: str, comments: Mapping[int, str]
) -> None:
    if comment:
        update.warehouse_comment = "\n".join(part for part in (update.warehouse_comment, comment) if part)
    for pk, text in comments.items():
        if pk in lines and text:
            lines[pk].comment = text[:300]


def _put_on_shelf(update: StockUpdate, arrived: Iterable[tuple[StockUpdateLine, int]], who: str) -> None:
    arrived = list(arrived)
    stocks = Stock.objects.lock((line.product_id, update.warehouse_id) for line, _pieces in arrived)
    for line, pieces in arrived:
        stocks[line.product_id, update.warehouse_id].move(
            pieces, Movement.Why.RECEIVED, document=update.number, who=who
        )
        line.received += pieces


def _settle(update: StockUpdate, lines: Iterable[StockUpdateLine], *, is_arrival: bool) -> None:
    """What stands in the lines is stored; the status follows. What was closed stays closed when a late box comes."""
    lines = list(lines)
    StockUpdateLine.objects.bulk_update(lines, ["received", "comment"], batch_size=500)
    if is_arrival:
        update.arrived_at = update.arrived_at or timezone.now()
        is_whole = all(line.received >= line.expected for line in lines)
        is_done = is_whole or update.status == StockUpdate.Status.RECEIVED
        update.status = StockUpdate.Status.RECEIVED if is_done else StockUpdate.Status.PARTLY
    update.save(update_fields=["warehouse_comment", "arrived_at", "status", "changed_at"])
