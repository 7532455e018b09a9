"""Orders: placed, confirmed, held, sent, cancelled."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from sandbox.models.line import OrderLine, Wanted
from sandbox.models.product import Size
from sandbox.models.shop import Counter, Market, Shop, Store
from sandbox.refused import Refused

if TYPE_CHECKING:
    from sandbox.models.shipment import Shipment

FIRST_NUMBER = 70_000
EMPTY_ADDRESS = dict.fromkeys(
    ("name", "company", "email", "cell", "tele", "address", "coaddress", "zipcode", "city", "state", "country"), ""
)
SOMEBODY = {
    "name": "Kim Berg",
    "email": "kim.berg@example.com",
    "cell": "+46700000001",
    "address": "Strandgatan 9",
    "zipcode": "41101",
    "city": "Göteborg",
}


class Status(models.IntegerChoices):
    INCOMPLETE = 0, _("Incomplete")
    PENDING = 1, _("Pending")
    CONFIRMED = 2, _("Confirmed")
    PROCESSING = 3, _("Processing")
    COMPLETED = 4, _("Completed")
    ARCHIVED = 5, _("Archived")
    CANCELLED = 6, _("Cancelled")


OPEN = (Status.PENDING, Status.CONFIRMED, Status.PROCESSING)


def new_selection() -> str:
    return secrets.token_hex(16)


class Order(models.Model):
    """One order. Money is with tax, in `currency`. `delivery` and `billing` hold the keys of `EMPTY_ADDRESS`."""

    Status = Status

    shop = models.ForeignKey(Shop, models.CASCADE, related_name="orders")
    store = models.ForeignKey(Store, models.CASCADE, related_name="orders")
    market = models.ForeignKey(Market, models.CASCADE, related_name="orders")
    number = models.PositiveBigIntegerField(_("Number"), unique=True)
    selection_id = models.CharField(max_length=32, default=new_selection, editable=False)
    placed_at = models.DateTimeField(_("Placed"), default=timezone.now, db_index=True)
    status = models.PositiveSmallIntegerField(_("Status"), choices=Status.choices, default=Status.PENDING)
    status_before = models.PositiveSmallIntegerField(null=True, editable=False)
    is_on_hold = models.BooleanField(_("On hold"), default=False)
    is_suspect = models.BooleanField(_("Suspect"), default=False)
    is_internal = models.BooleanField(_("Internal order"), default=False)
    waits_for_payment = models.BooleanField(_("Waiting for payment"), default=False)
    delivery = models.JSONField(default=dict)
    billing = models.JSONField(default=dict)
    customer = models.PositiveBigIntegerField(default=0)
    account = models.PositiveBigIntegerField(null=True, blank=True)
    shipping_list = models.CharField(_("Shipping method"), max_length=200, blank=True)
    default_carrier = models.CharField(max_length=100, blank=True)
    currency = models.CharField(_("Currency"), max_length=3, default="SEK")
    shipping_value = models.DecimalField(_("Shipping"), max_digits=10, decimal_places=2, default=0)
    voucher_value = models.DecimalField(_("Vouchers"), max_digits=10, decimal_places=2, default=0)
    comment = models.TextField(_("Comment"), blank=True)
    internal_comment = models.TextField(_("Internal comment"), blank=True)
    po_number = models.CharField(max_length=100, blank=True)
    attributes = models.JSONField(_("Custom attributes"), default=dict, blank=True)
    delivery_at = models.DateTimeField(null=True, blank=True)
    cancel_at = models.DateTimeField(null=True, blank=True)
    payment_method = models.CharField(max_length=60, default="card", blank=True)
    captured = models.DecimalField(_("Captured"), max_digits=12, decimal_places=2, default=0)
    capture_fails = models.BooleanField(_("Taking the payment fails"), default=False)
    refund_fails = models.BooleanField(_("Giving the payment back fails"), default=False)
    is_paid_externally = models.BooleanField(_("Paid through an external payment plugin"), default=False)

    class Meta:
        ordering = ["-placed_at", "-pk"]

    def __str__(self) -> str:
        return str(self.number)

    def get_absolute_url(self) -> str:
        return reverse("sandbox:order", args=[self.shop.slug, self.number])

    # --- buying ----------------------------------------------------------------------------
    @classmethod
    @transaction.atomic
    def place(
        cls,
        shop: Shop,
        wanted: Sequence[Wanted],
        *,
        country: str = "SE",
        store: Store | None = None,
        market: Market | None = None,
        shipping: str = "standard",
        shipping_value: Decimal | int = 49,
        delivery: Mapping[str, str] | None = None,
        billing: Mapping[str, str] | None = None,
        allocates: bool = True,
        forces: bool = False,
        number: int | None = None,
        **fields: Any,
    ) -> Order:
        """Buy. Allocates stock (`forces`: missing pieces are owed), and goes on as the store's settings say.

        `delivery` and `billing` may name some keys of an address only. `Refused` with the codes of 4.2.
        """
        if not wanted:
            raise Refused("order is empty", -3)
        store = store or (market.store if market else shop.retail)
        deliver_to = (
            EMPTY_ADDRESS | SOMEBODY | {"country": country} if delivery is None else EMPTY_ADDRESS | dict(delivery)
        )
        market = market or shop.market_for(deliver_to["country"], store)
        sizes = Size.objects.lock(cls._touched(wanted))
        number = cls._free_number(number)
        order = cls.objects.create(
            shop=shop,
            store=store,
            market=market,
            number=number,
            delivery=deliver_to,
            billing=EMPTY_ADDRESS | dict(billing) if billing else deliver_to,
            customer=fields.pop("customer", number),
            shipping_list=shipping,
            shipping_value=Decimal(shipping_value),
            currency=fields.pop("currency", shop.currency),
            **fields,
        )
        for want in wanted:
            OrderLine.add(order, want, sizes, allocates=allocates, forces=forces)
        if order.status == Status.PENDING:
            order._go_on()
        return order

    @staticmethod
    def _touched(wanted: Sequence[Wanted]) -> Iterator[int]:
        for want in wanted:
            if want.size is not None:
                yield want.size.pk
                yield from want.size.parts.values_list("part_id", flat=True)

    @classmethod
    def _free_number(cls, number: int | None) -> int:
        if number is not None:
            if number < 1:
                raise Refused("order number must be positive", -4)
            if cls.objects.filter(number=number).exists():
                raise Refused("order number already exists", -5)
            return number
        drawn = Counter.draw("order", FIRST_NUMBER)
        while cls.objects.filter(number=drawn).exists():
            drawn = Counter.draw("order", FIRST_NUMBER)
        return drawn

    def _go_on(self) -> None:
        """What the store does by itself with a new order."""
        if self.store.autoconfirms or self.store.ships_directly:
            self._set(status=Status.CONFIRMED)
        if self.store.ships_directly:
            self.create_shipment(good_to_go=True, capture=self.store.captures_directly)

    def check_out(self) -> None:
        """Finish an order that was only prepared."""
        with self.locked():
            if self.status == Status.INCOMPLETE:
                self._set(status=Status.PENDING)
                self._go_on()

    # --- what an administrator does --------------------------------------------------------
    def confirm(self) -> None:
        self._step("confirmed", (Status.PENDING,), status=Status.CONFIRMED)

    def unconfirm(self) -> None:
        self._step("unconfirmed", (Status.CONFIRMED,), status=Status.PENDING)

    def archive(self) -> None:
        self._step("archived", (Status.COMPLETED,), status=Status.ARCHIVED)

    def reactivate(self) -> None:
        self._step("reactivated", (Status.ARCHIVED,), status=Status.COMPLETED)

    def hold(self) -> None:
        self._step("held", OPEN, is_on_hold=True)

    def resume(self) -> None:
        self._step("resumed", OPEN, is_on_hold=False)

    @transaction.atomic
    def cancel(self) -> None:
        """Cancel before the payment is taken: shipments that are not sent go, their pieces become free."""
        with self.locked():
            self._demand("cancelled", OPEN)
            if self.shipments.filter(models.Q(is_paid=True) | models.Q(shipped_at__isnull=False)).exists():
                raise Refused("order has paid or sent shipments and can not be cancelled")
            self.shipments.all().delete()
            before = Status.CONFIRMED if self.status == Status.PROCESSING else self.status
            for line, size in self._physical_lines():
                line.release_all(size)
            self._set(status=Status.CANCELLED, status_before=before)

    @transaction.atomic
    def restore(self) -> None:
        """Undo a cancellation; `Refused` where the pieces are gone meanwhile."""
        with self.locked():
            self._demand("restored", (Status.CANCELLED,))
            for line, size in self._physical_lines():
                line.allocate_rest(size)
            self._set(status=self.status_before or Status.PENDING, status_before=None)

    def append_internal_comment(self, text: str) -> None:
        with self.locked():
            self.refresh_from_db(fields=["internal_comment"])
            self._set(internal_comment="\n".join(filter(None, (self.internal_comment, text))))

    def change_flags(self, **flags: bool) -> None:
        """Set flags that no button moves: suspect, waiting for payment, and the levers of the payment."""
        with self.locked():
            self._set(**flags)

    def _step(self, word: str, allowed: Sequence[int], **fields: Any) -> None:
        with self.locked():
            self._demand(word, allowed)
            self._set(**fields)

    def _demand(self, word: str, allowed: Sequence[int]) -> None:
        if self.status not in allowed:
            raise Refused(f"order is {Status(self.status).label.lower()} and can not be {word}")

    def _set(self, **fields: Any) -> None:
        for name, value in fields.items():
            setattr(self, name, value)
        self.save(update_fields=list(fields))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """A transaction in which this order's row is ours; what others changed meanwhile is read first."""
        with transaction.atomic():
            fresh = Order.objects.select_for_update().filter(pk=self.pk).get()
            for name in ("status", "status_before", "is_on_hold", "captured", "capture_fails", "waits_for_payment"):
                setattr(self, name, getattr(fresh, name))
            yield

    # --- shipments -------------------------------------------------------------------------
    def create_shipment(
        self,
        pieces: Mapping[int, int] | None = None,
        *,
        good_to_go: bool = False,
        capture: bool = True,
        deduct_previous_costs: bool = False,
        always: bool = False,
    ) -> Shipment:
        """A shipment of lines (id to pieces; None: all that is open). See `Shipment.create`."""
        from sandbox.models.shipment import Shipment

        with self.locked():
            return Shipment.create(
                self,
                pieces,
                good_to_go=good_to_go,
                capture=capture,
                deduct_previous_costs=deduct_previous_costs,
                always=always,
            )

    def recount_status(self) -> None:
        """Follow the shipments: none left → Confirmed, all completed and nothing open → Completed, else Processing."""
        shipments = list(self.shipments.all())
        if not shipments:
            status = Status.CONFIRMED
        elif all(shipment.completed_at for shipment in shipments) and not any(self.open_pieces().values()):
            status = Status.COMPLETED
        else:
            status = Status.PROCESSING
        self._set(status=status)

    def open_pieces(self) -> dict[int, int]:
        """Per physical line's id, the pieces that are in no shipment yet."""
        taken: dict[int, int] = {}
        for line_id, pieces in self._shipped_pairs():
            taken[line_id] = taken.get(line_id, 0) + pieces
        return {line.pk: line.qty - taken.get(line.pk, 0) for line in self.lines.filter(is_bundle=False)}

    def _shipped_pairs(self) -> Iterator[tuple[int, int]]:
        from sandbox.models.shipment import ShipmentLine

        yield from ShipmentLine.objects.filter(shipment__order=self).values_list("line_id", "qty")

    def _physical_lines(self) -> list[tuple[OrderLine, Size | None]]:
        lines = list(self.lines.filter(is_bundle=False))
        sizes = Size.objects.lock(line.size_id for line in lines if line.size_id)
        return [(line, sizes.get(line.size_id or 0)) for line in lines]

    # --- lines -----------------------------------------------------------------------------
    @transaction.atomic
    def cancel_pieces(self, line: OrderLine, pieces: int) -> None:
        """Cancel pieces of a physical line that are in no shipment."""
        with self.locked():
            if pieces > self.open_pieces()[line.pk]:
                raise Refused("pieces are in a shipment and can not be cancelled")
            sizes = Size.objects.lock([line.size_id or 0])
            line.refresh_from_db()
            line.drop(pieces, sizes.get(line.size_id or 0))

    @transaction.atomic
    def add_line(self, want: Wanted) -> OrderLine:
        """Add a line to an order that is not closed, as an administrator may."""
        with self.locked():
            self._demand("changed", OPEN)
            return OrderLine.add(self, want, Size.objects.lock(self._touched([want])))

    # --- money -----------------------------------------------------------------------------
    @property
    def items_total(self) -> Decimal:
        return sum((line.total for line in self.lines.all() if line.parent_id is None), Decimal())

    @property
    def grand_total(self) -> Decimal:
        return self.items_total + self.shipping_value - self.voucher_value

    def take_payment(self, amount: Decimal) -> None:
        """Capture; `Refused` where the payment fails, would exceed what was agreed, or is not ours to take."""
        self.demand_own_payment()
        if self.capture_fails or self.captured + amount > self.grand_total:
            raise Refused("capture failed")
        self._set(captured=self.captured + amount)

    def demand_own_payment(self) -> None:
        if self.is_paid_externally:
            raise Refused(
                "Action not supported by external payment plugin. Please do that action in your payment provider."
            )
