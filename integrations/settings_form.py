"""The settings of an integration below its connection: products, orders, payment and tracking, stock.

Times are typed in the integration's own zone. An earlier *take orders placed since* needs a confirmation, given after
the list of what would come in was shown (see `connectors/preview.py`).
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.core import signing
from django.forms import BoundField
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.connectors import PLATFORMS
from integrations.connectors.preview import Span
from integrations.models import Integration, host
from merchants.templatetags.portal import zone_word

LOOK_BACK = (1, 365)  # days
MOST_BUFFER = 100_000  # pieces
EARLIEST = datetime(2010, 1, 1, tzinfo=UTC)
AHEAD = timedelta(days=366)
TYPED = "%Y-%m-%dT%H:%M"  # as a browser writes a time
NEW_PRODUCTS = [
    (False, gettext_lazy("by hand, on Sync webshop products")),
    (True, gettext_lazy("automatically, at each refresh")),
]


@dataclass(frozen=True, slots=True)
class Section:
    """Some fields under one heading; open where one of them must be looked at."""

    key: str
    title: str
    fields: list[BoundField]

    @property
    def is_open(self) -> bool:
        return any(field.errors for field in self.fields)


class WallClockField(forms.Field):
    """A time as a clock on the wall shows it, without a zone; the form knows which zone is meant."""

    widget = forms.DateTimeInput(attrs={"type": "datetime-local", "step": "60"}, format=TYPED)

    def to_python(self, value: Any) -> datetime | None:
        text = str(value or "").strip()
        if not text:
            return None
        try:
            found = parse_datetime(text) or _midnight(text)
        except ValueError:
            found = None
        if found is None:
            raise forms.ValidationError(_("Write a date and a time, as in 2026-11-23 14:05."))
        return found


def _midnight(text: str) -> datetime | None:
    day = parse_date(text)
    return datetime(day.year, day.month, day.day) if day else None  # noqa: DTZ001  # the zone is the form's


class SettingsForm(forms.ModelForm[Integration]):
    """What of an integration has a good default. The instance carries merchant and platform."""

    creates_products = forms.TypedChoiceField(
        label=gettext_lazy("New products"),
        choices=NEW_PRODUCTS,
        coerce=lambda text: text == "True",
        widget=forms.RadioSelect,
        help_text=gettext_lazy("Whether what is new in the shop becomes a product of the warehouse by itself."),
    )
    takes_orders_since = WallClockField(label=gettext_lazy("Take orders placed since"), required=False)
    warehouses_ours = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    leaves_others = forms.BooleanField(required=False)
    look_back_days = forms.IntegerField(
        label=gettext_lazy("Look-back days"),
        min_value=LOOK_BACK[0],
        max_value=LOOK_BACK[1],
        help_text=gettext_lazy("Once an hour the orders of so many days are compared with what is here."),
    )
    safety_buffer = forms.IntegerField(
        label=gettext_lazy("Safety buffer"),
        min_value=0,
        max_value=MOST_BUFFER,
        help_text=gettext_lazy("So many pieces of each product the shop is not told of."),
    )

    SECTIONS: tuple[tuple[str, Any, Sequence[str]], ...] = (
        ("products", gettext_lazy("Products"), ("identifies_by", "creates_products")),
        (
            "orders",
            gettext_lazy("Orders"),
            (
                "takes_orders_since",
                "takes_pending",
                "reads",
                "warehouses_ours",
                "leaves_others",
                "channel",
                "look_back_days",
                "cancels_with_shop",
            ),
        ),
        ("payment", gettext_lazy("Payment and tracking"), ("captures", "is_paid_elsewhere", "sends_tracking")),
        ("stock", gettext_lazy("Stock"), ("sends_stock", "stock_as", "safety_buffer")),
    )
    SETTINGS = tuple(name for _key, _title, names in SECTIONS for name in names if name != "leaves_others")

    class Meta:
        model = Integration
        fields: Sequence[str] = ()
        labels = {
            "identifies_by": gettext_lazy("Identify products by"),
            "takes_pending": gettext_lazy("Transfer orders with status Pending too"),
            "reads": gettext_lazy("Read"),
            "cancels_with_shop": gettext_lazy("Cancel here what the shop cancels before hand-over"),
            "captures": gettext_lazy("Capture payment"),
            "channel": gettext_lazy("Channel"),
            "sends_tracking": gettext_lazy("Send tracking"),
            "sends_stock": gettext_lazy("Send stock"),
            "stock_as": gettext_lazy("Stock as"),
        }
        help_texts = {
            "identifies_by": gettext_lazy("What the shop is told when we speak of an item."),
            "takes_pending": gettext_lazy(
                "Confirmed and Processing are always transferred. Without this a Pending order waits here until the "
                "shop confirms it."
            ),
            "reads": gettext_lazy("Good-to-go shipments only where the shop decides itself what is sent when."),
            "cancels_with_shop": gettext_lazy("Without this the order waits here, and you cancel it yourself."),
            "channel": gettext_lazy("In whose name orders of this shop are sent, from the next one read on."),
            "captures": gettext_lazy("When the customer’s money is taken."),
            "is_paid_elsewhere": gettext_lazy("Then we never ask the shop to take money."),
            "sends_tracking": gettext_lazy(
                "Carrier and tracking code go to the shop. Without this the shipment is completed all the same, "
                "without code and email."
            ),
            "sends_stock": gettext_lazy(
                "Leave it off until the goods are in stock: before that the shop would be told zero. When the first "
                "goods are received, Stock updates offers to switch it on."
            ),
            "stock_as": gettext_lazy("Which of its numbers the shop is told."),
        }
        widgets = {
            "identifies_by": forms.RadioSelect,
            "reads": forms.RadioSelect,
            "captures": forms.RadioSelect,
            "stock_as": forms.RadioSelect,
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.stored_since: datetime | None = self.instance.takes_orders_since if self.instance.pk else None
        meaning = ("takes_pending", "reads", "warehouses_ours", "warehouses_undecided")
        self.stored = {name: getattr(self.instance, name) for name in meaning}
        platform = PLATFORMS[self.instance.platform].label
        self.fields["is_paid_elsewhere"].label = _("Payment is taken outside %(shop)s") % {"shop": platform}
        self._name_the_choices()
        self._show_since()
        self._offer_shop_warehouses(platform)
        self._offer_channels()

    def _name_the_choices(self) -> None:
        """Radio buttons without an empty one."""
        for name, choices in (
            ("identifies_by", Integration.Identify.choices),
            ("reads", Integration.Reads.choices),
            ("captures", Integration.Captures.choices),
            ("stock_as", Integration.StockAs.choices),
        ):
            self.fields[name].choices = choices  # type: ignore[attr-defined]  # no "-----"

    def _show_since(self) -> None:
        """The stored time in the integration's zone, to the minute; empty for a new one."""
        field = self.fields["takes_orders_since"]
        self.shown_since = ""
        if self.stored_since is not None:
            zone = zoneinfo.ZoneInfo(self.instance.time_zone)
            self.shown_since = self.stored_since.astimezone(zone).strftime(TYPED)
            stays = _("In the zone of the integration, %(zone)s. Left empty, it stays as it is.")
            field.help_text = stays % {"zone": zone_word(self.stored_since.astimezone(zone))}
        else:
            field.help_text = _("In the zone chosen above. Left empty: from the moment of saving on.")
        field.help_text += " " + _(
            "Older orders are never imported. For an earlier time you are first shown what would come in."
        )
        self.initial["takes_orders_since"] = self.shown_since

    def _offer_shop_warehouses(self, platform: str) -> None:
        """The names met in orders; the first of them counts as ours without a word, so one alone needs no choice."""
        met, ours = self.instance.warehouses_met, self.instance.warehouses_ours
        if undecided := self.instance.warehouses_undecided:
            said = _("“%(names)s” is not ours, unless ticked above")
            self.fields["leaves_others"].label = said % {"names": "”, “".join(undecided)}
            self.fields["leaves_others"].help_text = _(
                "It was met after you chose. Its orders wait until you tick it, or say here that it is not ours."
            )
        else:
            del self.fields["leaves_others"]
        if len(met) < 2 and not ours:
            del self.fields["warehouses_ours"]
            return
        names = list(dict.fromkeys([*met, *ours]))
        field = self.fields["warehouses_ours"]
        assert isinstance(field, forms.MultipleChoiceField)
        field.label = _("%(shop)s warehouses that are ours") % {"shop": platform}
        field.choices = [(name, name) for name in names]
        field.help_text = _(
            "Pieces that the shop allocates in the others are not sent from here, and the order says so. While none is "
            "ticked, orders from another than “%(first)s” wait."
        ) % {"first": names[0]}

    def _offer_channels(self) -> None:
        """The merchant's; without any there is nothing to choose."""
        field = self.fields["channel"]
        assert isinstance(field, forms.ModelChoiceField)
        field.queryset = self.instance.merchant.channels.all()
        field.empty_label = self.instance.merchant.name
        if not field.queryset:
            del self.fields["channel"]

    @property
    def sections(self) -> list[Section]:
        """What the page folds away, with what is in it."""
        return [
            Section(key, str(title), [self[name] for name in names if name in self.fields])
            for key, title, names in self.SECTIONS
        ]

    # --- what it refuses -------------------------------------------------------------------

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or self.cleaned_data
        if "takes_orders_since" in typed:
            try:
                typed["takes_orders_since"] = self._since(typed)
            except forms.ValidationError as error:
                self.add_error("takes_orders_since", error)
        if typed.get("sends_stock") and (why := self.stock_is_told(typed)):
            self.add_error("sends_stock", why)
        return typed

    def _since(self, typed: dict[str, Any]) -> datetime:
        """The moment that is meant. What was not touched stays, to the second, also in another zone."""
        clock: datetime | None = typed["takes_orders_since"]
        if clock is None:
            return self.stored_since or timezone.now()
        if self.stored_since is not None and clock.strftime(TYPED) == self.shown_since:
            return self.stored_since
        zone = zoneinfo.ZoneInfo(typed.get("time_zone") or self.instance.time_zone)
        if not EARLIEST.year <= clock.year <= timezone.now().year + 2:
            raise forms.ValidationError(_("That is too far away. Choose a time between 2010 and a year from now."))
        moment = (clock if clock.tzinfo else clock.replace(tzinfo=zone)).astimezone(UTC)
        if not EARLIEST <= moment <= timezone.now() + AHEAD:
            raise forms.ValidationError(_("That is too far away. Choose a time between 2010 and a year from now."))
        return moment

    def stock_is_told(self, typed: dict[str, Any]) -> str:
        """Why this integration may not tell stock: another one does, for the same shop and warehouse; else nothing."""
        base_url, warehouse = typed.get("base_url"), typed.get("warehouse")
        if not base_url or warehouse is None:
            return ""
        tellers = Integration.objects.telling(host(base_url), warehouse, self.instance.merchant_id)
        teller = tellers.exclude(pk=self.instance.pk).order_by("pk").first()
        if teller is None:
            return ""
        words = {"warehouse": warehouse.name, "other": teller.label}
        if teller.merchant_id != self.instance.merchant_id:
            return _("Another integration tells this shop about the stock in %(warehouse)s; only one may.") % words
        return _("%(other)s tells this shop about the stock in %(warehouse)s; only one integration may.") % words

    # --- what saving means -----------------------------------------------------------------

    def still_undecided(self, stored: Integration) -> list[str]:
        """The shop's warehouses of which nobody has said whether they are ours, once this is saved; of a valid form.

        With none ticked only the first that was met is ours without a word, and all others are asked for anyway.
        """
        ours = self.cleaned_data.get("warehouses_ours")
        if not ours or self.cleaned_data.get("leaves_others"):
            return []
        return [name for name in stored.warehouses_undecided if name not in ours]

    @property
    def span(self) -> Span | None:
        """The time from which orders would come in besides; nothing where none would. Of a valid form only."""
        since, until = self.cleaned_data["takes_orders_since"], self.stored_since or timezone.now()
        is_now = self.stored_since is None and not self.data.get(self.add_prefix("takes_orders_since"))
        return Span(since, until) if since < until and not is_now else None

    @property
    def reads_shipments(self) -> bool:
        return bool(self.cleaned_data["reads"] == Integration.Reads.SHIPMENTS)

    @property
    def confirmation(self) -> str:
        """What a press of the button under the list sends back: it belongs to this shop and this time alone."""
        typed = self.cleaned_data
        parts = (self.instance.merchant_id, self.instance.pk, typed["base_url"], typed["reads"])
        text = "|".join(str(part) for part in (*parts, typed["takes_orders_since"].isoformat()))
        return signing.Signer(salt="earlier orders").signature(text)

    @property
    def changes_what_comes_in(self) -> bool:
        """Whether orders already looked at must be read again."""
        since = self.stored_since
        is_earlier = since is not None and self.instance.takes_orders_since < since
        return is_earlier or any(getattr(self.instance, name) != was for name, was in self.stored.items())
