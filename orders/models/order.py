"""Orders and their lines."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from django.db import models
from django.db.models import Q
from django.db.models.functions import Upper
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django_countries.fields import CountryField

from integrations.models import Integration, Tone
from merchants.models import Channel, Merchant, User, Warehouse
from merchants.trigrams import TrigramIndex
from products.models import Product
from shipping.models import ShippingMethod

if TYPE_CHECKING:
    from orders.models.hold import Hold
    from orders.models.story import Event

NEWEST = 10_000  # among so many is looked for what no index finds
SPLIT_PARTS = 1000  # parts from here on were split off here; below are the shop's own shipments


class Status(models.TextChoices):
    """Where an order stands; written in capitals everywhere."""

    DRAFT = "draft", "DRAFT"
    NEW = "new", "NEW"
    COLLECTING = "collecting", "COLLECTING"
    SHIPPED = "shipped", "SHIPPED"
    PENDING = "pending", "PENDING"
    RESERVED = "reserved", "RESERVED"
    CANCELLED = "cancelled", "CANCELLED"
    RETURNED = "returned", "RETURNED"
    LOCKED = "locked", "LOCKED"


PROMISED = (Status.NEW, Status.PENDING)  # pieces are promised to these, in the order in which they came
RESERVING = (Status.NEW, Status.PENDING, Status.RESERVED, Status.LOCKED)  # these hold pieces without taking them
OPEN = (Status.DRAFT, *RESERVING)  # not handed to the warehouse, not closed
CLOSED = (Status.SHIPPED, Status.CANCELLED, Status.RETURNED)
SHOP_CLOSED = ("completed", "archived", "cancelled")  # as the shop says it, see `Order.shop_status`
# What only the merchant can answer, of orders that were paid or handed over.
IS_UNTOLD = Q(status=Status.SHIPPED, told_at__isnull=True, integration__isnull=False)
ASKED_OF_MERCHANT = {
    "refund": Q(needs_refund=True),
    "short": Q(status=Status.COLLECTING, facts__has_key="short"),
    "unpaid": IS_UNTOLD & Q(shipment__isnull=False) & ~Q(shipment__capture_error=""),
    "untold": IS_UNTOLD & ~Q(tell_error="") & (Q(shipment__isnull=True) | Q(shipment__capture_error="")),
}
TONES = {
    Status.NEW: Tone.GOOD,
    Status.COLLECTING: Tone.GOOD,
    Status.SHIPPED: Tone.GOOD,
    Status.PENDING: Tone.WAIT,
    Status.RESERVED: Tone.WAIT,
}


def has_signs_only(word: str) -> bool:
    """Neither a letter nor a digit in it: the index finds not even what is exactly this. “½” is a sign there."""
    return not any(sign.isalpha() or sign.isdecimal() for sign in word)


def is_short(word: str) -> bool:
    """Whether no index over parts of words finds it: that takes three letters or digits in a row."""
    return has_signs_only(word) or not re.search(r"[^\W_]{3}", word)


def _is_part(word: str) -> Q:
    """The part that is shown by this label, as in “70412/1”; nothing where it is none."""
    number, _slash, part = word.rpartition("/")
    if has_signs_only(number) or not part.isdecimal() or len(part) > 4:
        return Q(pk__in=[])
    return Q(number__iexact=number, part__in=(int(part), SPLIT_PARTS + int(part) - 1))


def _is_called(word: str) -> Q:
    """Exactly this reference, tracking code or part."""
    return Q(number__iexact=word) | Q(tracking_code__iexact=word) | _is_part(word)


class OrderQuerySet(models.QuerySet["Order"]):
    def for_merchant(self, merchant: Merchant) -> OrderQuerySet:
        return self.filter(merchant=merchant)

    def for_staff(self, user: User) -> OrderQuerySet:
        """The orders of the warehouses in which this member of the staff works."""
        return self.filter(warehouse__in=Warehouse.objects.worked_by(user))

    def lock(self) -> OrderQuerySet:
        """Locked in the order of their keys; orders before stock, so that nobody waits in a circle."""
        return self.order_by("pk").select_for_update(of=("self",))

    def open(self) -> OrderQuerySet:
        return self.filter(status__in=OPEN)

    def held(self) -> OrderQuerySet:
        """RESERVED with a reason; RESERVED without one is on purpose."""
        return self.filter(status=Status.RESERVED, holds__isnull=False).distinct()

    def to_collect(self) -> OrderQuerySet:
        """What the warehouse may begin, oldest first."""
        return self.filter(status=Status.NEW, handover_asked_at__isnull=True).order_by("placed_at", "pk")

    def being_handed_over(self) -> OrderQuerySet:
        return self.filter(status=Status.NEW, handover_asked_at__isnull=False)

    def asked_to_cancel(self) -> OrderQuerySet:
        """And nobody has answered yet."""
        return self.filter(cancel_asked_at__isnull=False, cancel_answer="")

    def untold(self) -> OrderQuerySet:
        """Shipped, and the shop has not been told yet."""
        return self.filter(status=Status.SHIPPED, told_at__isnull=True, integration__isnull=False)

    def search(self, words: str) -> OrderQuerySet:
        """By reference, name, email, tracking code or SKU; every word must be found somewhere, or all of them together
        are a reference, tracking code or SKU with blanks in it.

        A word that no index finds is looked for inside the texts of the newest `NEWEST` of these orders only, one of
        signs only wholly there. Of an SKU the keys of its orders are read first: else the database would have to look
        at the lines of every order.
        """
        parts, limit, found = words.split(), Q(), Q()
        whole = " ".join(parts)
        of_skus = self._of_skus({*parts, whole})
        if any(is_short(word) for word in parts):
            limit = self._is_new()
        for word in parts:
            exact, begins = _is_called(word), Q(number__istartswith=word)
            inside = begins | Q(name__icontains=word) | Q(company__icontains=word) | Q(email__icontains=word)
            if has_signs_only(word):
                fits = (exact | inside) & limit
            else:
                fits = exact | (inside & limit if is_short(word) else inside)
            found &= fits | of_skus.get(word.casefold(), Q(pk__in=[]))
        if len(parts) > 1:
            fits = _is_called(whole) | Q(number__istartswith=whole)
            found |= (fits & limit if is_short(whole) else fits) | of_skus.get(whole.casefold(), Q(pk__in=[]))
        return self.filter(found)

    def _is_new(self) -> Q:
        """Placed no earlier than the newest `NEWEST` of these."""
        times = self.order_by("-placed_at").values_list("placed_at", flat=True)
        since = next(iter(times[NEWEST - 1 : NEWEST]), None)
        return Q(placed_at__gte=since) if since else Q()

    def _of_skus(self, words: Iterable[str]) -> dict[str, Q]:
        """By SKU, folded: the keys of these orders that have it on a line, of at most `NEWEST` lines."""
        lines = OrderLine.objects.none()
        for word in words:
            lines = lines | OrderLine.objects.filter(sku__iexact=word)
        found = defaultdict[str, list[int]](list)
        rows = lines.filter(order__in=self.order_by()).order_by("-pk").values_list("sku", "order")
        for sku, order in rows[:NEWEST]:
            found[sku.casefold()].append(order)
        return {sku: Q(pk__in=keys) for sku, keys in found.items()}


class Order(models.Model):
    """One order, or a part of one. Money is with tax, in `currency`. Times are UTC.

    `part` 0 is the whole order, below `SPLIT_PARTS` the shop's shipment of that number, above it a part split off here.
    `shop` is the host of the integration's Base URL, `""` for orders made by hand.
    """

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="orders")
    integration = models.ForeignKey(
        Integration, on_delete=models.SET_NULL, null=True, blank=True, related_name="orders"
    )
    shop = models.CharField(_("shop"), max_length=255, blank=True)
    number = models.CharField(_("reference"), max_length=80)
    part = models.PositiveIntegerField(_("part"), default=0)
    split_from = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="splits")
    warehouse = models.ForeignKey(Warehouse, on_delete=models.PROTECT, related_name="orders")
    channel = models.ForeignKey(
        Channel, on_delete=models.RESTRICT, null=True, blank=True, related_name="orders", verbose_name=_("channel")
    )

    status = models.CharField(_("status"), max_length=10, choices=Status.choices, default=Status.RESERVED)
    status_changed_at = models.DateTimeField(_("status since"), default=timezone.now)
    promised_at = models.DateTimeField(_("in the queue since"), null=True, blank=True)

    method = models.ForeignKey(
        ShippingMethod,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="orders",
        verbose_name=_("shipping method"),
    )
    is_method_chosen = models.BooleanField(_("method chosen by hand"), default=False)
    shop_method = models.CharField(_("the shop’s shipping method"), max_length=200, blank=True)
    ingrid_method = models.CharField(_("Ingrid’s delivery method"), max_length=200, blank=True)
    pickup_point = models.CharField(_("pick-up point"), max_length=100, blank=True)

    name = models.CharField(_("name"), max_length=200, blank=True)
    company = models.CharField(_("company"), max_length=200, blank=True)
    address = models.CharField(_("address"), max_length=300, blank=True)
    address2 = models.CharField(_("address 2"), max_length=300, blank=True)
    zip_code = models.CharField(_("zip code"), max_length=40, blank=True)
    city = models.CharField(_("city"), max_length=120, blank=True)
    state = models.CharField(_("state"), max_length=120, blank=True)
    country = CountryField(_("country"), blank=True)
    phone = models.CharField(_("phone"), max_length=60, blank=True)
    email = models.CharField(_("email"), max_length=254, blank=True)
    bill_to = models.JSONField(_("billing address"), default=dict, blank=True)

    currency = models.CharField(_("currency"), max_length=3, blank=True)
    total = models.DecimalField(_("total"), max_digits=14, decimal_places=2, null=True, blank=True)
    shipping_price = models.DecimalField(_("shipping price"), max_digits=14, decimal_places=2, null=True, blank=True)
    comment = models.TextField(_("comment"), blank=True)
    customisation = models.TextField(_("customisation"), blank=True)
    customer_reference = models.CharField(_("customer’s reference"), max_length=200, blank=True)
    warehouse_comment = models.TextField(_("warehouse’s comment"), blank=True)
    is_test = models.BooleanField(_("test"), default=False)

    placed_at = models.DateTimeField(_("placed"), default=timezone.now)
    read_at = models.DateTimeField(_("visible here"), default=timezone.now)
    changed_at = models.DateTimeField(_("last change"), auto_now=True)

    # As the shop showed it last. Deciding needs no shop: it reads these.
    shop_status = models.CharField(_("status in the shop"), max_length=20, blank=True)
    is_on_hold = models.BooleanField(_("on hold in the shop"), default=False)
    is_suspect = models.BooleanField(_("suspect in the shop"), default=False)
    waits_for_payment = models.BooleanField(_("waits for payment"), default=False)
    is_shown = models.BooleanField(_("shown by the shop"), default=True)
    shown_at = models.DateTimeField(_("last shown"), null=True, blank=True)
    seen_in = models.CharField(max_length=32, blank=True)
    facts = models.JSONField(default=dict, blank=True)  # further findings at reading: see `orders/reading.py`
    taken = models.JSONField(default=dict, blank=True)  # what the shop said when it was taken over, or last accepted
    offered = models.JSONField(null=True, blank=True)  # what it says now, where that differs from `taken`
    overruled = models.JSONField(_("overruled reasons"), default=list, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)

    # Handing over, and what became of it in the shop.
    handover_asked_at = models.DateTimeField(_("marked as collecting"), null=True, blank=True)
    handover_asked_by = models.CharField(max_length=120, blank=True)
    handover_error = models.TextField(_("why it is not handed over yet"), blank=True)
    wait_until = models.DateTimeField(null=True, blank=True)  # after a lost answer nothing is asked before this
    shipment = models.ForeignKey(
        "orders.Shipment", on_delete=models.SET_NULL, null=True, blank=True, related_name="orders"
    )
    collected_at = models.DateTimeField(_("handed to the warehouse"), null=True, blank=True)

    # The parcel, and whether the shop knows of it.
    carrier = models.CharField(_("carrier"), max_length=80, blank=True)
    service = models.CharField(_("service"), max_length=120, blank=True)
    tracking_code = models.CharField(_("tracking code"), max_length=120, blank=True)
    parcels = models.PositiveIntegerField(_("parcels"), default=1)
    shipped_at = models.DateTimeField(_("shipped"), null=True, blank=True)
    told_at = models.DateTimeField(_("told to the shop"), null=True, blank=True)
    tell_error = models.TextField(_("why the shop is not told yet"), blank=True)
    returned_at = models.DateTimeField(_("pieces came back"), null=True, blank=True)  # the last time, if several

    # Asking the warehouse to stop.
    cancel_asked_at = models.DateTimeField(_("cancellation requested"), null=True, blank=True)
    cancel_asked_by = models.CharField(max_length=120, blank=True)
    cancel_answer = models.CharField(
        _("answer"), max_length=10, blank=True, choices=[("agreed", _("agreed")), ("too late", _("too late"))]
    )
    cancel_answered_at = models.DateTimeField(null=True, blank=True)
    needs_refund = models.BooleanField(_("refund it in the shop"), default=False)

    # Names, addresses and free texts are gone since then; see `orders/erasing.py`.
    erased_at = models.DateTimeField(_("personal data erased"), null=True, blank=True, editable=False)

    # Only where the stand-in for Centra is on: from this moment the played warehouse sends it, once it is collected.
    play_at = models.DateTimeField(null=True, blank=True, editable=False)

    telling: list[Event] | None = None  # where it is gathered, see `orders/models/story.py`

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-placed_at", "-pk"]
        verbose_name = _("order")
        verbose_name_plural = _("orders")
        constraints = [models.UniqueConstraint(fields=["merchant", "shop", "number", "part"], name="order_once")]
        indexes = [
            models.Index(fields=["merchant", "-placed_at", "-id"], name="order_newest"),
            models.Index(fields=["-placed_at", "-id"], name="order_newest_of_all"),  # for the staff
            models.Index(fields=["merchant", "status", "-placed_at", "-id"], name="order_by_status"),
            models.Index(fields=["merchant", "shipped_at"], name="order_shipped"),
            models.Index(fields=["warehouse", "status", "placed_at", "id"], name="order_to_collect"),
            TrigramIndex(fields=["number", "name", "company", "email", "tracking_code"], name="order_search"),
            models.Index(
                fields=["integration", "told_at"], name="order_untold", condition=Q(status="shipped", told_at=None)
            ),
            models.Index(
                fields=["merchant"],
                name="order_asks",  # the few that ask a person something
                condition=Q(needs_refund=True)
                | Q(offered__isnull=False)
                | Q(cancel_asked_at__isnull=False, cancel_answer=""),
            ),
            models.Index(
                fields=["status_changed_at"],
                name="order_to_erase",
                condition=Q(status__in=["shipped", "cancelled", "returned"], erased_at=None),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return reverse("orders:order", args=[self.merchant_id, self.pk])

    @property
    def label(self) -> str:
        """Reference and part, as in “70412” or “70412/1”."""
        if not self.part:
            return self.number
        return f"{self.number}/{self.part if self.part < SPLIT_PARTS else self.part - SPLIT_PARTS + 1}"

    @property
    def tone(self) -> Tone:
        if self.status == Status.RESERVED and self.offered:
            return Tone.BAD
        return TONES.get(Status(self.status), Tone.NONE)

    @property
    def is_being_handed_over(self) -> bool:
        """*NEW · being handed over*: staff marked it, the shop has not agreed yet."""
        return self.status == Status.NEW and self.handover_asked_at is not None

    @property
    def is_by_hand(self) -> bool:
        """Made here, of no shop; not even of one that was deleted."""
        return not self.shop and self.integration_id is None

    @property
    def is_over_in_shop(self) -> bool:
        """The shop takes no shipment of it any more: it hides the order, or has closed it."""
        return not self.is_shown or self.shop_status in SHOP_CLOSED

    @property
    def is_promised(self) -> bool:
        return self.status in PROMISED

    @property
    def is_cancellation_open(self) -> bool:
        return self.cancel_asked_at is not None and not self.cancel_answer

    @property
    def tracking_address(self) -> str:
        return self.method.tracking_address(self.tracking_code) if self.method else ""

    @property
    def reservation_key(self) -> str:
        """Under which the stock's reservations know this order."""
        return str(self.pk)

    @property
    def pieces(self) -> int:
        return sum(line.pieces for line in self.lines.all())

    @property
    def returned(self) -> int:
        """Pieces of it that came back."""
        return sum(line.returned for line in self.lines.all())

    def add_up(self) -> None:
        """The total of an order by hand, from its lines as they are; saved by the caller. A shop's total is its own."""
        prices = [(line.price, line.pieces) for line in self.lines.all() if line.pieces]
        if self.is_by_hand:
            sums = [price * pieces for price, pieces in prices if price is not None]
            self.total = sum(sums, Decimal(0)) if sums and len(sums) == len(prices) else None

    def set_status(self, status: Status) -> None:
        """Another status from now on; saved by the caller. NEW and PENDING share one place in the queue."""
        if status == self.status:
            return
        now = timezone.now()
        if status not in PROMISED:
            self.promised_at = None
        elif self.promised_at is None:
            self.promised_at = now
        self.status, self.status_changed_at = status, now
        self.erased_at = None  # what is typed from now on is erased in its turn

    def tell(
        self, text: str, tone: str = Tone.NONE, who: str = "", *, at: datetime | None = None, **facts: Any
    ) -> None:
        """Add a line to the order's story; within the transaction that makes it true."""
        line = self.events.model(order=self, at=at or timezone.now(), text=text, tone=tone, who=who, facts=facts)
        if self.telling is None:
            line.save(force_insert=True)
        else:
            self.telling.append(line)

    def sorted_holds(self) -> Iterable[Hold]:
        return sorted(self.holds.all(), key=lambda hold: hold.pk)


class OrderLine(models.Model):
    """Pieces of one item. `pieces` is what this order sends; the rest is as the shop said."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    external_id = models.CharField(max_length=64, blank=True)  # the shop's own id of the line
    product = models.ForeignKey(Product, on_delete=models.PROTECT, null=True, blank=True, related_name="order_lines")
    sku = models.CharField(_("SKU"), max_length=200, db_index=True, blank=True)
    ean = models.CharField(_("EAN"), max_length=40, blank=True)
    name = models.CharField(_("name"), max_length=300, blank=True)
    pieces = models.PositiveIntegerField(_("pieces"))
    ordered = models.PositiveIntegerField(_("ordered in the shop"), default=0)
    open_in_shop = models.PositiveIntegerField(
        _("open in the shop"), default=0
    )  # ordered − sent − cancelled, as last read
    elsewhere = models.PositiveIntegerField(_("sent from elsewhere"), default=0)
    found = models.PositiveIntegerField(_("found at picking"), null=True, blank=True)  # a short pick
    returned = models.PositiveIntegerField(_("came back"), default=0)  # of `pieces`, on the shelf again or not
    price = models.DecimalField(_("price"), max_digits=14, decimal_places=2, null=True, blank=True)
    vat_percent = models.DecimalField(_("VAT %"), max_digits=6, decimal_places=2, null=True, blank=True)
    weight_kg = models.DecimalField(_("weight in kg"), max_digits=10, decimal_places=3, null=True, blank=True)
    country_of_origin = models.CharField(_("origin"), max_length=2, blank=True)
    hs_code = models.CharField(_("HS code"), max_length=20, blank=True)
    comment = models.TextField(_("comment"), blank=True)
    bundle = models.CharField(_("part of the bundle"), max_length=300, blank=True)

    class Meta:
        ordering = ["pk"]
        verbose_name = _("order line")
        verbose_name_plural = _("order lines")
        indexes = [models.Index(Upper("sku"), name="order_line_sku")]
        constraints = [
            models.CheckConstraint(condition=Q(returned__lte=models.F("pieces")), name="returned_not_above_sent")
        ]

    def __str__(self) -> str:
        return f"{self.pieces} × {self.sku}"
