"""One form per page: the words above the list, an order, what the merchant wants done with all of them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, ClassVar

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator, validate_email
from django.db import IntegrityError, transaction
from django.db.models import QuerySet
from django.forms import BoundField
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.models import Integration
from merchants.models import Merchant, Warehouse
from orders import ledger
from orders.front.holds import BY_HAND, GONE
from orders.ledger import Stand
from orders.lines import Lines
from orders.models import ASKED_OF_MERCHANT, Cause, Hold, Order, OrderProcessing, OrderQuerySet, Status
from orders.models.hold import wait_for_somebody
from orders.models.order import is_short
from products.forms import WORDS_READ, Filter, choice_field, search_field
from shipping.models import MerchantMethod, ShippingMethod

WAITING = "waiting"  # the tab of orders that wait for a person
TABS = (WAITING, *Status.values)


# Of the first and the last year that a date can have, a midnight in some zone, or the day after, can have none.
DAYS = [MinValueValidator(date(2, 1, 1)), MaxValueValidator(date(9998, 12, 31))]


def day_field(label: Any) -> forms.DateField:
    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    errors = {"invalid": gettext_lazy("give a day such as 2026-11-30.")}
    return forms.DateField(required=False, label=label, widget=widget, validators=DAYS, error_messages=errors)


class OrderFilter(Filter):
    """Which orders are listed. Days are those of the merchant's zone."""

    SORTS: ClassVar[Mapping[str, tuple[str, ...]]] = {"newest": ("-placed_at", "-pk"), "oldest": ("placed_at", "pk")}
    q = search_field(gettext_lazy("Search reference, name, email, tracking code or SKU"))
    shop = choice_field(gettext_lazy("Shop"), [])
    warehouse = choice_field(gettext_lazy("Warehouse"), [])
    cause = choice_field(gettext_lazy("Why it waits"), [("", gettext_lazy("All reasons")), *Cause.choices])
    which = choice_field(gettext_lazy("What exactly it waits for"), [])
    stands = choice_field(
        gettext_lazy("As the shop’s orders are counted"),
        [("", gettext_lazy("However they are counted")), *Stand.choices],
    )
    shipped = choice_field(
        gettext_lazy("When it was shipped"),
        [("", gettext_lazy("Shipped or not")), ("today", gettext_lazy("Shipped today"))],
    )
    asks = choice_field(
        gettext_lazy("What is asked"),
        [
            ("", gettext_lazy("Everything")),
            ("cancel", gettext_lazy("Cancellation requested")),
            ("refund", gettext_lazy("Refund it in the shop")),
            ("changed", gettext_lazy("Changed in the shop")),
            ("short", gettext_lazy("Fewer pieces found")),
            ("unpaid", gettext_lazy("Sent, and not paid")),
            ("untold", gettext_lazy("Sent, and not told to the shop")),
        ],
    )
    since = day_field(gettext_lazy("Placed from"))
    until = day_field(gettext_lazy("Placed until"))
    sort = choice_field(
        gettext_lazy("Order"), [("", gettext_lazy("Newest first")), ("oldest", gettext_lazy("Oldest first"))]
    )
    status = forms.ChoiceField(required=False, choices=[(tab, tab) for tab in TABS], widget=forms.HiddenInput)
    FURTHER = ("asks", "shipped", "stands", "since", "until")

    def __init__(self, data: Mapping[str, Any], merchant: Merchant) -> None:
        self._shops = {str(one.pk): one for one in merchant.integrations.all()}
        if data.get("stands") and not data.get("shop") and len(self._shops) == 1:
            data = {**{name: data[name] for name in data}, "shop": next(iter(self._shops))}
        super().__init__(data)
        shops = [(pk, one.label) for pk, one in self._shops.items()]
        houses = [(str(house.pk), house.name) for house in merchant.warehouses.all()]
        of_none = [(BY_HAND, _("By hand, no shop"))]
        if data.get("shop") == GONE:
            of_none.append((GONE, _("Of a shop that was deleted here")))
        self._offer("shop", _("All shops"), [*shops, *of_none])
        self._offer("warehouse", _("All warehouses"), houses)
        self._offer("which", _("Whatever it is"), _exactly(str(data.get("which", ""))))
        self.has_shops, self.has_houses = bool(shops), len(houses) > 1

    def _offer(self, name: str, nothing: str, choices: list[tuple[str, str]]) -> None:
        field = self.fields[name]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", nothing), *choices]

    def clean(self) -> None:
        said = self.cleaned_data
        since, until = said.get("since"), said.get("until")
        if since and until and until < since:
            self.add_error("until", _("this day is before the first one."))
        if said.get("stands") and said.get("shop") not in self._shops:
            self.add_error("stands", _("choose a shop too; each has a count of its own."))

    @property
    def further(self) -> list[BoundField]:
        """Those under *More filters*."""
        return [self[name] for name in self.FURTHER if name != "stands" or self.has_shops]

    @property
    def says_further(self) -> bool:
        return any(field.value() for field in self.further)

    @property
    def tab(self) -> str:
        return self.word("status")

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the tab and the order is chosen."""
        return bool(self.words.keys() - {"status", "sort"})

    def narrow(self, orders: OrderQuerySet) -> OrderQuerySet:
        """Those of them that match."""
        found = orders
        shop, warehouse = self.word("shop"), self.word("warehouse")
        if shop:
            found = self._of_shop(found, shop)
        if warehouse:
            found = found.filter(warehouse=int(warehouse))
        if self.word("cause"):
            found = found.filter(pk__in=_waiting_for(self.word("cause"), self.word("which")))
        if self.word("shipped"):
            found = found.filter(shipped_at__gte=_midnight(timezone.localdate()))
        found = self._asked(found)
        since, until = self.cleaned_data.get("since"), self.cleaned_data.get("until")
        if since:
            found = found.filter(placed_at__gte=_midnight(since))
        if until:
            found = found.filter(placed_at__lt=_midnight(until + timedelta(days=1)))
        return found.search(self.word("q")[:WORDS_READ])

    def _of_shop(self, orders: OrderQuerySet, shop: str) -> OrderQuerySet:
        """Of one integration, as its ledger counts them where that is asked; else of a deleted one, or of none."""
        if shop in (BY_HAND, GONE):
            of_none = orders.filter(integration__isnull=True)
            return of_none.filter(shop="") if shop == BY_HAND else of_none.exclude(shop="")
        if self.counts_numbers:
            return ledger.standing(orders, self._shops[shop], Stand(self.word("stands")))
        return orders.filter(integration=int(shop))

    @property
    def counts_numbers(self) -> bool:
        """Whether the orders of one shop are listed as its ledger counts them."""
        return bool(self.word("stands")) and self.word("shop") in self._shops

    @property
    def has_short_words(self) -> bool:
        """Whether something is looked for among the newest orders only."""
        return any(is_short(word) for word in self.word("q")[:WORDS_READ].split())

    def _asked(self, orders: OrderQuerySet) -> OrderQuerySet:
        asked: dict[str, dict[str, Any]] = {
            "cancel": {"cancel_asked_at__isnull": False, "cancel_answer": ""},
            "refund": {"needs_refund": True},
            "changed": {"offered__isnull": False},
        }
        if self.word("asks") in ASKED_OF_MERCHANT:
            return orders.filter(ASKED_OF_MERCHANT[self.word("asks")])
        return orders.filter(**asked.get(self.word("asks"), {}))

    def on_tab(self, orders: OrderQuerySet) -> OrderQuerySet:
        if self.tab == WAITING:
            return wait_for_somebody(orders)
        return orders.filter(status=self.tab) if self.tab else orders


def _exactly(said: str) -> list[tuple[str, str]]:
    """The one thing that was asked for, as “=FG1”; “=” for a reason that names none."""
    return [(said, said[1:] or _("Nothing in particular"))] if said.startswith("=") else []


def _waiting_for(cause: str, which: str) -> QuerySet[Any]:
    holds = Hold.objects.filter(cause=cause)
    return (holds.filter(subject=which[1:]) if which else holds).values("order")


def _midnight(day: Any) -> datetime:
    return timezone.make_aware(datetime.combine(day, time.min))


class MethodChoice(forms.ModelChoiceField[ShippingMethod]):
    """Methods with the warehouse that offers them."""

    def label_from_instance(self, obj: ShippingMethod) -> str:
        return str(obj)


class WarehouseChoice(forms.ModelChoiceField[Warehouse]):
    """Warehouses by code and name."""

    def label_from_instance(self, obj: Warehouse) -> str:
        return str(obj)


ADDRESS = ("name", "company", "address", "address2", "zip_code", "city", "state", "country", "phone", "email")
EDITED = (*ADDRESS, "method", "pickup_point", "comment", "customisation")


class OrderForm(forms.ModelForm[Order]):
    """What a person may change in an order; the lines stand beside it in `Lines`."""

    method = MethodChoice(label=gettext_lazy("Shipping method"), queryset=ShippingMethod.objects.none(), required=False)

    class Meta:
        model = Order
        fields: tuple[str, ...] = EDITED
        widgets = {
            "comment": forms.Textarea(attrs={"rows": 3}),
            "customisation": forms.Textarea(attrs={"rows": 3}),
        }
        help_texts = {
            "customisation": gettext_lazy("A wish about packing; the warehouse may charge for it."),
            "pickup_point": gettext_lazy("The carrier’s code of the place, where the method needs one."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        order = self.instance
        method = self.fields["method"]
        assert isinstance(method, MethodChoice)
        method.queryset = _methods(order.merchant, order.warehouse_id if order.pk else None, order.method_id)
        if order.integration_id:
            method.empty_label = _("as the shop’s word is linked")
            if not order.is_method_chosen and not kwargs.get("initial"):
                self.initial["method"] = None
        if code := str(order.country) if order.country and not order.country.name else "":
            # Nothing in the list is chosen then: saved along with something else, it would be gone.
            country, said = self.fields["country"], _("“%(code)s” is no country that is known here.") % {"code": code}
            country.help_text = said + " " + _("Choose the one that is meant.")
            country.required, country.error_messages["required"] = True, country.help_text
        for field in self.fields.values():
            field.label = capfirst(str(field.label))

    def clean_email(self) -> str:
        """Looked at where a person typed it: what a shop wrote is no obstacle to mending something else."""
        email: str = self.cleaned_data["email"].strip()
        if email and "email" in self.changed_data:
            validate_email(email)
        return email

    def clean_method(self) -> ShippingMethod | None:
        method: ShippingMethod | None = self.cleaned_data["method"]
        order = self.instance
        order.is_method_chosen = method is not None and order.integration_id is not None
        # Where the shop's word counts, deciding finds the method anew; until then the last one stays.
        return order.method if order.integration_id and method is None else method

    def names(self) -> list[str]:
        """Which fields were changed: what stays of the story when personal data is erased."""
        return [str(self.fields[name].label) for name in self.changed_data if name in EDITED]

    def said(self) -> list[str]:
        """What was changed, in words, for the order's story."""
        before = self.initial
        return [_said(self, name, before.get(name)) for name in self.changed_data if name in EDITED]


def _methods(merchant: Merchant, warehouse: int | None, chosen: int | None) -> QuerySet[ShippingMethod]:
    """The merchant's active methods; one that was chosen before stays choosable."""
    active = MerchantMethod.objects.active().filter(merchant=merchant).values("method")
    methods = ShippingMethod.objects.select_related("carrier", "warehouse")
    found = methods.filter(pk__in=active)
    if warehouse:
        found = found.filter(warehouse=warehouse)
    return found | methods.filter(pk=chosen) if chosen else found


def _said(form: OrderForm, name: str, before: Any) -> str:
    label = form.fields[name].label
    now = form.cleaned_data[name]
    if name == "method" and form.instance.integration_id and not form.instance.is_method_chosen:
        return _("%(label)s: as the shop’s word is linked") % {"label": label}
    if name == "method":
        return _("%(label)s: %(now)s") % {"label": label, "now": now.label if now else _("none chosen")}
    if name in ("comment", "customisation"):
        return _("%(label)s changed") % {"label": label} if now else _("%(label)s taken out") % {"label": label}
    words = {"label": label, "before": before or "–", "now": str(now) or "–"}
    return _("%(label)s: %(before)s → %(now)s") % words


class NewOrderForm(OrderForm):
    """An order made by hand."""

    warehouse = WarehouseChoice(label=gettext_lazy("Warehouse"), queryset=Warehouse.objects.none(), empty_label=None)

    class Meta(OrderForm.Meta):
        fields: tuple[str, ...] = ("number", "warehouse", "currency", "channel", *EDITED)
        help_texts = {
            **OrderForm.Meta.help_texts,
            "number": gettext_lazy("Your own number for it; each only once."),
            "channel": gettext_lazy("In whose name it is sent."),
            "currency": gettext_lazy("Three letters, as in SEK; of the prices, if you say any."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        warehouse = self.fields["warehouse"]
        assert isinstance(warehouse, WarehouseChoice)
        warehouse.queryset = self.instance.merchant.warehouses.all()
        if not kwargs.get("initial"):
            self.initial["warehouse"] = Integration.objects.usual_warehouse(self.instance.merchant)
        channel = self.fields["channel"]
        assert isinstance(channel, forms.ModelChoiceField)
        channel.queryset, channel.empty_label = self.instance.merchant.channels.all(), self.instance.merchant.name
        if not channel.queryset:
            del self.fields["channel"]

    def clean_number(self) -> str:
        number: str = self.cleaned_data["number"].strip()
        if _is_taken(self.instance.merchant, number):
            raise ValidationError(same_number(number))
        return number

    def clean_currency(self) -> str:
        code: str = self.cleaned_data["currency"].upper()
        if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
            raise ValidationError(_("A currency has three letters, as in SEK or EUR."))
        return code

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        method, warehouse = cleaned.get("method"), cleaned.get("warehouse")
        if method and warehouse and method.warehouse_id != warehouse.pk:
            self.add_error("method", _("This method belongs to another warehouse."))
        return cleaned

    def store(self, lines: Lines, who: str) -> Order | None:
        """A DRAFT with its lines; nothing where somebody took the reference this very moment."""
        order = self.instance
        order.status, order.currency, order.total = Status.DRAFT, self.cleaned_data["currency"], lines.total
        try:
            with transaction.atomic():
                order.save()
        except IntegrityError:
            if not _is_taken(order.merchant, order.number):
                raise
            self.add_error("number", same_number(order.number))
            return None
        lines.store(order)
        order.tell(_("Made by hand."), who=who)
        return order


def _is_taken(merchant: Merchant, number: str) -> bool:
    return Order.objects.for_merchant(merchant).filter(shop="", number=number).exists()


def same_number(number: str) -> str:
    return _("There is an order %(number)s made by hand already. Every order needs a reference of its own.") % {
        "number": number
    }


def version(order: Order) -> str:
    """A short text that changes when somebody changes what the edit page shows; not when the order is decided again."""
    shown = [str(getattr(order, name)) for name in (*ADDRESS, "pickup_point", "comment", "customisation")]
    chosen = order.method_id if order.is_method_chosen or not order.integration_id else None
    lines = [[line.pk, line.sku, line.pieces, str(line.price)] for line in order.lines.all()]
    text = json.dumps([shown, chosen, lines])
    return hashlib.sha256(text.encode()).hexdigest()[:20]


class ProcessingForm(forms.ModelForm[OrderProcessing]):
    """Edit Merchant → Order processing."""

    class Meta:
        model = OrderProcessing
        fields = ("splits_pending", "sends_without_phone", "fills_customs", "customisation")
        widgets = {"customisation": forms.RadioSelect}
        help_texts = {
            "splits_pending": gettext_lazy("What lies there is sent now, the rest when it comes: two parcels."),
            "sends_without_phone": gettext_lazy("The carrier may send a letter instead, which may cost."),
            "fills_customs": gettext_lazy(
                "For parcels that leave the EU: where the shop’s order says only one of HS code and origin, the other "
                "is the product’s. Switched off, both are the order’s or both the product’s."
            ),
            "customisation": gettext_lazy("Wishes about packing; forwarded ones may cost."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            field.label = capfirst(str(field.label))
