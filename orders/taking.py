"""One order of a shop → rows here: taken once, brought up to date ever after.

Identity is (merchant, shop, number, part). Each order is one transaction; whatever is repeated, reordered, interrupted
or read by two at once is stored once, for the database says so. What cannot be stored is held, and the rest goes on.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

from django.db import DataError, IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.connectors.base import OrderData, OrderStatus
from integrations.connectors.errors import Unavailable
from integrations.models import Integration, Tone
from integrations.sync import LostLease
from orders import (
    anew,
    deciding,
    differences,
    faults,
    filling,
    moves,
    promise,
    reading,
    restoring,
    seen_rows,
    under_way,
    unread,
)
from orders.books import Books
from orders.models import (
    OPEN,
    SPLIT_PARTS,
    Order,
    OrderQuerySet,
    SeenOrder,
    Shipment,
    Status,
    Verdict,
    told_together,
)
from orders.parts import share_out
from orders.reading import Skip
from orders.seen_rows import Left
from products import stock
from shipping import words

log = logging.getLogger(__name__)

SHOP = moves.SHOP
NOTHING: Mapping[str, str] = MappingProxyType({})
WORDS = {"shop_method": "shipping_method", "ingrid_method": "ingrid_method"}


class Taking:
    """Takes the orders of one integration during one pass. `changed` counts those here that have news.

    `bears` says of a call for one order that failed whether to go on with the others.
    """

    def __init__(
        self, integration: Integration, this_pass: str, *, bears: Callable[[Unavailable], bool] = lambda error: False
    ) -> None:
        self.integration = integration
        self.this_pass = this_pass
        self.passes: tuple[str, ...] = (this_pass,)  # of the whole work: a sweep's own first, then its polls'
        self.bears = bears
        self.changed = 0
        self.cannot_ask = ""  # why single orders cannot be asked for, once the shop has said so
        self.books = Books()
        self._digests: dict[str, set[str]] = {}  # by number, of the page at hand
        self._absent: set[str] = set()  # numbers of the page at hand of which nothing is here
        self._left: dict[str, Left] = {}
        self._worded: set[str] = set()  # numbers whose other word for shipping is noted

    @property
    def settings(self) -> reading.Settings:
        return reading.settings_of(self.integration)

    # --- a page ----------------------------------------------------------------------------

    def seen_before(self, numbers: Iterable[str]) -> set[str]:
        """Which of these this pass met on an earlier page, or twice on this one."""
        numbers = list(numbers)
        twice = {number for number in numbers if numbers.count(number) > 1}
        return seen_rows.met(self.integration, self.this_pass, numbers) | twice

    def worth_a_look(self, items: Sequence[OrderData]) -> list[tuple[OrderData, str]]:
        """Those that are new or say something new, with their digests; the others are only marked as seen."""
        numbers = [data.number for data in items]
        for data in items:
            self.meet_warehouses(data)  # before their digests are made: these tell a name of which nobody has decided
        self._digests = self._known_digests(numbers)
        skipped = SeenOrder.objects.filter(integration=self.integration, verdict=Verdict.SKIPPED, number__in=numbers)
        left = dict(skipped.values_list("number", "detail"))
        digested = [(data, reading.digest(data, self.settings)) for data in items]
        found = [(data, digest) for data, digest in digested if not self._is_known(data.number, digest, left)]
        lines = [line for data, _digest in found for line in data.lines]
        if lines:
            self.books.open_at(self.integration, {line.sku for line in lines}, {line.ean for line in lines})
        return found

    def _known_digests(self, numbers: Sequence[str]) -> dict[str, set[str]]:
        """Of what this integration took. Also notes which numbers nobody took: nothing of them need be locked."""
        found: dict[str, set[str]] = defaultdict(set)
        self._absent = set(numbers)
        here = self.ours(numbers).order_by().values_list("number", "integration", "facts__digest")
        for number, integration, digest in here:
            self._absent.discard(number)
            if integration == self.integration.pk:
                found[number].add(digest)
        return found

    def _is_known(self, number: str, digest: str, left: dict[str, str]) -> bool:
        return self._digests.get(number) == {digest} or left.get(number) == digest

    def ours(self, numbers: Sequence[str]) -> OrderQuerySet:
        return Order.objects.filter(
            merchant=self.integration.merchant_id, shop=self.integration.shop, number__in=numbers
        )

    def is_here(self, number: str) -> bool:
        return self.ours([number]).filter(integration=self.integration).exists()

    def is_taken_whole(self, number: str) -> bool:
        """Whether part 0 is here; where it is not, all parts are shipments of the shop, or were split off such."""
        return self.ours([number]).filter(part=0).exists()

    def needs_details(self, data: OrderData) -> bool:
        is_old = data.number not in self._digests and reading.is_older(data, self.settings)
        return reading.needs_details(data) and not is_old

    def unknown(self, numbers: Iterable[str]) -> list[str]:
        """Those that neither this pass nor an earlier one has seen as an order."""
        wanted = list(dict.fromkeys(numbers))
        seen = SeenOrder.objects.filter(integration=self.integration, number__in=wanted)
        unclear = Q(verdict=Verdict.UNREADABLE) | Q(reason=Skip.UNSEEN.value)
        known = set(seen.exclude(unclear & ~Q(seen_in=self.this_pass)).values_list("number", flat=True))
        return [number for number in wanted if number not in known]

    def note_page(self, items: Sequence[OrderData], *, are_whole: bool = True) -> None:
        """Every number of the page goes into the ledger, within the caller's transaction.

        `are_whole`: the page showed orders, not shipments, so it shows what is here under these numbers.
        """
        self.stand()
        numbers = list({data.number for data in items})
        rows = list(self.ours(numbers).order_by().values_list("number", "part", "integration"))
        here = {number for number, _part, _integration in rows}
        whole = {number for number, part, _integration in rows if part == 0}
        own_numbers = {
            number
            for number, _part, integration in rows
            if integration == self.integration.pk and (number in whole) == are_whole
        }
        self.changed += seen_rows.note(
            self.integration, self.this_pass, items, here, own_numbers, self._left, keeps=self.passes[0]
        )
        if are_whole:
            own = self.ours(list(own_numbers)).filter(integration=self.integration)
            own.update(seen_in=self.this_pass, shown_at=timezone.now(), is_shown=True)
        self._left.clear()

    # --- one order -------------------------------------------------------------------------

    def take(self, data: OrderData, digest: str = "") -> None:
        """Store it, bring it up to date, or leave it for a reason. In a transaction of its own.

        `digest` is that of the listing, so that the same listing says nothing new; without one it is looked at again.
        """
        self.meet_warehouses(data)
        self.safely(data.number, lambda: self._take(data, digest))

    def take_as_listed(self, data: OrderData) -> None:
        """What was sent of it cannot be asked: new, it is stored as listed and held; of what is here no figure changes.

        Without a digest, so that it is looked at again until it can be asked for.
        """
        if self.is_here(data.number) and self.is_taken_whole(data.number):
            self.hold(data.number, self._unasked())
        else:
            self.take(data)

    def _unasked(self) -> str:
        return _("the shop has sent some of it, and which pieces cannot be read. %(why)s") % {"why": self.cannot_ask}

    def safely(self, number: str, job: Callable[[], None], part: int = 0) -> None:
        """Run `job` in a transaction; what the database will not have, or we fail at, is held with the reason."""
        try:
            try:
                with transaction.atomic():
                    job()
            except IntegrityError:
                # Somebody else stored it this very moment: now it is there to be brought up to date.
                self._absent.discard(number)
                with transaction.atomic():
                    job()
        except (DataError, IntegrityError, ValueError, ArithmeticError):
            log.exception("Order %s of %s cannot be stored.", number, self.integration)
            self.hold(number, _("it holds something that cannot be stored."), part)
        except faults.NOT_OURS:
            raise
        except Exception:
            faults.log.exception("Order %s of %s failed in our own code.", number, self.integration)
            self.hold(number, str(faults.TEXT), part)

    def hold(self, number: str, why: str, part: int = 0) -> None:
        """Hold what cannot be read, see `unread.hold`; where even that fails, the ledger says that it is unread."""
        is_held = False
        with faults.alone(f"Holding order {number}"):
            unread.hold(self, number, why, part)
            is_held = True
        if not is_held:
            seen_rows.note_unreadable(self.integration, self.this_pass, number, why)

    def stand(self) -> None:
        """Its shop stays at this host until the transaction ends; raises `LostLease` where it is at another one now.

        Locked before any order is, as where the host is changed: what is written meanwhile would be of a shop that is
        no more, and come in again.
        """
        here = Integration.objects.filter(pk=self.integration.pk, shop=self.integration.shop)
        if not here.select_for_update(no_key=True).values_list("pk", flat=True):
            raise LostLease

    def _take(self, data: OrderData, digest: str) -> None:
        if data.number in self._absent:
            self.stand()
            parts = []
        else:
            parts = self.parts(data.number)
        self._absent.discard(data.number)
        if not parts:
            self._take_new(data, digest)
        elif parts[0].integration_id not in (self.integration.pk, None) and not self._is_let_go(data, parts):
            self.skip(data, self.taken_by(parts[0]), digest)
        elif parts[0].part:
            self.skip(data, Skip.AS_SHIPMENTS.value, digest)
        else:
            self.update(data, parts, digest)

    def _is_let_go(self, data: OrderData, parts: list[Order]) -> bool:
        """Whether the integration that read it left it, and it is for this one to send; then it is this one’s."""
        is_left = all(part.status == Status.CANCELLED and "left" in part.facts for part in parts)
        if not is_left or reading.skip(data, self.settings) is not None:
            return False
        for part in parts:
            part.is_method_chosen = part.is_method_chosen and part.warehouse == self.integration.warehouse
            part.integration, part.warehouse = self.integration, self.integration.warehouse
            part.channel_id = self.integration.channel_id
        self._note_words_once(parts[0], data)
        return True

    def taken_by(self, order: Order) -> str:
        return _("taken by %(name)s") % {"name": order.integration.name if order.integration else "?"}

    def parts(self, number: str) -> list[Order]:
        """All parts of this number, locked; the whole order first."""
        self.stand()
        rows = self.ours([number]).select_related("merchant", "integration", "warehouse", "shipment")
        return sorted(rows.lock(), key=lambda order: order.part)

    def skip(self, data: OrderData, why: str, digest: str) -> None:
        self._left[data.number] = Left(why, digest)

    def _take_new(self, data: OrderData, digest: str) -> None:
        why = reading.skip(data, self.settings)
        if why is not None:
            self.skip(data, why.value, digest)
            return
        self.begin(self.store(data, 0, digest))

    def begin(self, order: Order) -> None:
        """An order that was stored just now: its story begins, and it is decided."""
        with told_together(order):
            self.tell_read(order)
            deciding.enter(order, books=self.books, is_new=True)

    def new(self, number: str, part: int) -> Order:
        """A row that is not saved yet and holds nothing until it is decided."""
        return Order(
            merchant=self.integration.merchant,
            integration=self.integration,
            shop=self.integration.shop,
            number=number,
            part=part,
            warehouse=self.integration.warehouse,
            channel_id=self.integration.channel_id,
            status=Status.DRAFT,
            read_at=timezone.now(),
            seen_in=self.this_pass,
        )

    def store(self, data: OrderData, part: int, digest: str) -> Order:
        order = self.new(data.number, part)
        filling.fill(order, data)
        self._fill_shop(order, data, digest)
        order.save(force_insert=True)
        lines = filling.make_lines(order, data, self.settings, self.books)
        self.note_words(order, data)
        # Not read again: it is told, decided and promised with these.
        filling.know(order, "lines", lines)
        filling.know(order, "holds", [])
        return order

    def _fill_shop(self, order: Order, data: OrderData, digest: str, facts: Mapping[str, str] = NOTHING) -> None:
        found = {**reading.facts(data, self.settings, self.integration.warehouses_met), **facts}
        if self.cannot_ask and reading.needs_details(data):
            found |= {"unreadable": self._unasked(), anew.UNASKED: "1"}
        filling.fill_shop(order, data, found, digest)
        order.seen_in = self.this_pass

    def note_words(self, order: Order, data: OrderData) -> None:
        """As long as the order keeps them, for a link is of the word that orders have."""
        said = [differences.fit(order, key, getattr(data, name)) for key, name in WORDS.items()]
        words.note(self.integration, [(said[0], said[1], data.placed_at or order.read_at)])

    def tell_read(self, order: Order) -> None:
        lag = max(0, round((order.read_at - order.placed_at).total_seconds()))
        lines = list(order.lines.all())
        elsewhere = sum(line.elsewhere for line in lines)
        placed = _("Placed in %(shop)s as %(number)s.") % {"shop": self.integration.label, "number": order.number}
        order.tell(placed, Tone.GOOD, at=order.placed_at)
        pieces = sum(line.pieces for line in lines)
        said = {"lag": filling.span(lag), "pieces": pieces}
        text = (
            ngettext(
                "Read %(lag)s later: %(pieces)d piece to send.",
                "Read %(lag)s later: %(pieces)d pieces to send.",
                pieces,
            )
            % said
        )
        if elsewhere:
            text += " " + _("%(n)d more are sent from another warehouse of the shop.") % {"n": elsewhere}
        order.tell(text, Tone.GOOD)

    # --- an order that is here -------------------------------------------------------------

    def update(self, data: OrderData, parts: list[Order], digest: str, facts: Mapping[str, str] = NOTHING) -> None:
        """The parts of an order as the shop shows it now; `facts` are what else stands against sending it."""
        opens = reading.pieces_of(data, self.settings)
        share_out(parts, {key: one.open for key, one in opens.items()})
        if len(parts) > 1:
            promise.lock_stock(parts)
        for order in parts:
            before = filling.standing(order)
            self._update_one(order, data, digest, facts)
            self.changed += filling.standing(order) != before

    def _update_one(self, order: Order, data: OrderData, digest: str, facts: Mapping[str, str]) -> None:
        was_missing, status_before = not order.is_shown, order.shop_status
        was_undecided = anew.is_undecided(order)
        if order.integration is None:
            order.integration = self.integration  # its own was deleted, and the shop is connected again
            Shipment.objects.filter(orders=order, integration=None).update(integration=self.integration)
            self._note_words_once(order, data)
        self._fill_shop(order, data, digest, facts)
        if less := filling.fewer(order, data):
            order.facts["fewer"] = less
        if was_missing:
            order.tell(_("The shop shows it again."), Tone.GOOD)
            if data.status is not OrderStatus.CANCELLED:
                moves.withdraw_request(order, SHOP)
        is_whole = order.part < SPLIT_PARTS and not order.splits.exists()
        is_placeholder = was_undecided and order.status == Status.RESERVED and is_whole
        if is_placeholder and not anew.fill(self, order, data):
            return
        if order.status in OPEN:
            self._offer(order, data)
        order.save()
        if data.status is OrderStatus.CANCELLED:
            self._cancelled_there(order, is_news=status_before != data.status.value)
        elif order.status == Status.CANCELLED:
            self._bring_back(order, data, was_cancelled=status_before == OrderStatus.CANCELLED.value)
        elif order.status in OPEN and not order.is_being_handed_over:
            deciding.decide(order, self.books)
            if order.status == Status.DRAFT:
                promise.reserve_for(order)
        else:
            promise.reserve_for(order)
            under_way.meet(order, data)
            if data.status is OrderStatus.COMPLETED and status_before != data.status.value:
                self._completed_there(order)

    def _completed_there(self, order: Order) -> None:
        """Sent unpaid, it leaves the shop's count only now that it is paid there: what it shows is unknown again."""
        if order.told_at and order.shipment and not order.shipment.is_paid:
            stock.forget(self.integration, [line.product_id for line in order.lines.all() if line.product_id])

    def _offer(self, order: Order, data: OrderData) -> None:
        """What the shop changed, once, of an order that is not handed over; each part of it may take the change.

        What it costs is the shop's alone, and no difference to be answered.
        """
        if data.status is OrderStatus.CANCELLED:
            return
        filling.fill_money(order, data)
        before, order.offered = order.offered, differences.offer(order, data)
        if order.offered is None or differences.said(order.offered) == differences.said(before or {}):
            return
        order.tell(_("Changed in the shop."), Tone.WAIT)
        is_another_word = (data.shipping_method, data.ingrid_method) != (order.shop_method, order.ingrid_method)
        if is_another_word:
            self._note_words_once(order, data)

    def _note_words_once(self, order: Order, data: OrderData) -> None:
        """Of an order that is here, once for all its parts."""
        if data.number not in self._worded:
            self._worded.add(data.number)
            self.note_words(order, data)

    def _cancelled_there(self, order: Order, *, is_news: bool) -> None:
        is_past = order.status in (Status.CANCELLED, Status.SHIPPED, Status.RETURNED)
        has_answer = order.status == Status.COLLECTING and order.cancel_asked_at and order.cancel_answer
        if is_past or has_answer:
            promise.reserve_for(order)
            if is_news and order.status == Status.SHIPPED:
                order.tell(_("The shop cancelled it, and it is sent."), Tone.BAD)
            return
        if order.status in OPEN and not self.integration.cancels_with_shop:
            promise.reserve_for(order)
            deciding.decide(order, self.books)  # where the shop was asked for its shipment, the hand-over holds it
            return
        moves.cancel(order, SHOP, _("The shop cancelled it."))
        if order.status == Status.COLLECTING:
            promise.reserve_for(order)

    def _bring_back(self, order: Order, data: OrderData, *, was_cancelled: bool) -> None:
        """What was cancelled here only for the shop's sake goes on when the shop restores it, or lets it go on."""
        is_for_shop = restoring.is_for_shop(order) and not restoring.why_not(order)
        is_ours_again = is_for_shop and "left" in order.facts and reading.skip(data, self.settings) is None
        is_let_go = bool(order.collected_at) and not under_way.stopping(order, data)
        by_shop = is_for_shop and (was_cancelled or is_let_go) and not reading.is_closed(data)
        if not (is_ours_again or by_shop):
            promise.reserve_for(order)
            return
        restoring.restore(order)
        order.tell(
            _("The shop restored it.") if was_cancelled else _("It is to be sent from here after all."), Tone.GOOD
        )
        if is_ours_again:
            order.facts.pop("left")
            anew.read(self, order, data)
        self._offer(order, data)
        deciding.enter(order, books=self.books)

    def meet_warehouses(self, data: OrderData) -> None:
        """The names of the shop's warehouses, in the order in which they were met; kept also where the order is not.

        Of one that is met after somebody chose which are ours, that must be said once more.
        """
        known = {*self.integration.warehouses_met, *self.integration.warehouses_ours}
        new = [name for name in reading.warehouses(data) if name not in known]
        if new:
            self.integration.warehouses_met = [*self.integration.warehouses_met, *new]
            if self.integration.warehouses_ours:
                self.integration.warehouses_undecided = [*self.integration.warehouses_undecided, *new]
            self.integration.save(update_fields=["warehouses_met", "warehouses_undecided"])
