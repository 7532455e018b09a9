"""The forms of the stand-in's pages, one per page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from zoneinfo import available_timezones

from django import forms
from django.core.validators import MinLengthValidator, RegexValidator
from django.forms import BoundField
from django.utils.text import slugify
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from sandbox.endpoints import ENDPOINTS
from sandbox.models import Direction, Fault, PluginMethod, Shop, Size, Status, Store
from sandbox.switches import SWITCHES, Switch

DEMO_USER, DEMO_PASSWORD = "demo", "demo"
RESERVED = {"sign-in", "sign-out", "new"}
CLASSES = {
    "checkbox": "form-check-input",
    "checkboxselectmultiple": "",  # its class would go to the list as a whole
    "select": "form-select",
}


class Styled(forms.BaseForm):
    """Gives every widget the class of the look."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("label_suffix", "")
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            kind = type(field.widget).__name__.lower()
            kind = "checkbox" if kind == "checkboxinput" else kind
            if css := CLASSES.get(kind, "form-control"):
                field.widget.attrs.setdefault("class", css)


class SignInForm(Styled, forms.Form):
    """The door of the guide's first line; the login stands beside it."""

    user = forms.CharField(label=_("User name"))
    password = forms.CharField(label=_("Password"), widget=forms.PasswordInput)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        if "user" in data and "password" in data and (data["user"], data["password"]) != (DEMO_USER, DEMO_PASSWORD):
            raise forms.ValidationError(_("This is not the login that stands on this page. Type it as it is shown."))
        return data


class ShopForm(Styled, forms.ModelForm[Shop]):
    """A new installation."""

    class Meta:
        model = Shop
        fields = ["name", "time_zone", "currency"]

    time_zone = forms.ChoiceField(
        label=_("Time zone"), help_text=_("The shop writes its times in this zone, and never says so.")
    )
    currency = forms.ChoiceField(label=_("Currency"), choices=[(code, code) for code in ("SEK", "EUR", "NOK", "DKK")])

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        zones = sorted(zone for zone in available_timezones() if "/" in zone and not zone.startswith("Etc"))
        self.fields["time_zone"].choices = [(zone, zone.replace("_", " ")) for zone in zones]  # type: ignore[attr-defined]
        self.initial.setdefault("time_zone", "Europe/Stockholm")

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        slug = slugify(name)[:50]
        if not slug or slug in RESERVED:
            raise forms.ValidationError(_("Choose a name with letters in it, for the shop's address is made from it."))
        if Shop.objects.filter(slug=slug).exists():
            raise forms.ValidationError(_("There is a shop with this name already. Choose another name."))
        self.instance.slug = slug
        return name


class StoreForm(Styled, forms.ModelForm[Store]):
    """What a store does by itself."""

    class Meta:
        model = Store
        fields = ["autoconfirms", "ships_directly", "captures_directly", "sends_confirmation", "restocks_returns"]


def _checks(**kwargs: Any) -> Any:
    return forms.TypedMultipleChoiceField(widget=forms.CheckboxSelectMultiple, required=False, **kwargs)


class PluginForm(Styled, forms.ModelForm[PluginMethod]):
    """A plugin method, with the labels of the guide."""

    MAIN = ("is_active", "name", "plugin", "secret", "uri", "additional_stores", "order_statuses", "direction")

    class Meta:
        model = PluginMethod
        fields = [
            *("is_active", "name", "secret", "uri", "additional_stores", "order_statuses", "direction", "markets"),
            *("shows_waiting", "shows_held", "order_bundles", "shipment_bundles", "stock_mode", "creates_orders"),
            *("shows_cost", "logs_calls", "endpoints"),
        ]
        widgets = {"additional_stores": forms.CheckboxSelectMultiple, "markets": forms.CheckboxSelectMultiple}
        help_texts = {
            "uri": _("The last part of the Base URL."),
            "additional_stores": _("Their orders are shown too."),
            "markets": _("None ticked: all markets of the stores."),
            "logs_calls": _("Keeps every call and its answer in the API log."),
        }

    is_active = forms.TypedChoiceField(
        label=_("Status"),
        choices=[("1", _("Active")), ("", _("Inactive"))],
        coerce=bool,
        required=False,
    )
    plugin = forms.ChoiceField(label=_("Plugin"), choices=[("order-api", _("Order API"))])
    secret = forms.CharField(
        label=_("Secret API key"),
        max_length=200,
        validators=[
            MinLengthValidator(8, _("A key has at least 8 characters. Generate one, or type a longer one.")),
            RegexValidator(r"^[\x21-\x7e]+\Z", _("Use plain letters, digits and signs, and no blanks.")),
        ],
        help_text=_("Type one, or let one be generated."),
    )
    order_statuses = _checks(
        label=_("Get Orders with Status"), coerce=int, choices=[choice for choice in Status.choices if choice[0]]
    )
    direction = forms.ChoiceField(label=_("Get orders starting with"), choices=Direction.choices)
    endpoints = _checks(
        label=_("Allow access to the following endpoints"),
        choices=[(name, f"{name} · {label}") for name, label in ENDPOINTS.items()],
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["is_active"] = "1" if self.instance.is_active else ""
        others = self.instance.shop.stores.exclude(pk=self.instance.store_id)
        self.fields["additional_stores"].queryset = others  # type: ignore[attr-defined]
        self.fields["markets"].queryset = self.instance.shop.markets.all()  # type: ignore[attr-defined]
        self.order_fields([*self.MAIN, *self.fields])

    def clean_is_active(self) -> bool:
        return bool(self.cleaned_data["is_active"])

    def clean_uri(self) -> str:
        uri: str = self.cleaned_data["uri"]
        if self.instance.shop.plugins.filter(uri=uri).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError(_("Another plugin of this shop has this URI. Choose another one."))
        return uri

    @property
    def main(self) -> Iterator[BoundField]:
        """What the guide names."""
        return (self[name] for name in self.MAIN)

    @property
    def more(self) -> list[BoundField]:
        return [field for field in self if field.name not in self.MAIN]

    @property
    def opens_more(self) -> bool:
        """Whether something is wrong among the settings that are folded away."""
        return any(field.errors for field in self.more)


class SizeForm(Styled, forms.ModelForm[Size]):
    """One physical item: its SKU parts exactly as typed, blanks included."""

    class Meta:
        model = Size
        fields = ["name", "ean", "upc", "is_active"]

    product_sku = forms.CharField(label=_("Product SKU"), required=False, strip=False, max_length=100)
    variant_sku = forms.CharField(label=_("Variant SKU"), required=False, strip=False, max_length=100)
    size_sku = forms.CharField(label=_("Size SKU"), required=False, strip=False, max_length=100)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        size = self.instance
        parts = {"product_sku": size.variant.product.sku, "variant_sku": size.variant.sku, "size_sku": size.sku}
        self.initial.update(parts)
        of_product = Size.objects.filter(variant__product=size.variant.product).count()
        words = ngettext("Of one size of this product.", "Shared by %(n)d sizes of this product.", of_product)
        self.fields["product_sku"].help_text = words % {"n": of_product}
        of_variant = size.variant.sizes.count()
        words = ngettext("Of one size of this variant.", "Shared by %(n)d sizes of this variant.", of_variant)
        self.fields["variant_sku"].help_text = words % {"n": of_variant}
        self.order_fields(["product_sku", "variant_sku", "size_sku", *self.fields])

    def save(self, commit: bool = True) -> Size:
        data = self.cleaned_data
        size: Size = self.instance
        size.change(**{name: data[name] for name in self.Meta.fields})
        size.change_sku(data["product_sku"], data["variant_sku"], data["size_sku"])
        return size


class StockForm(Styled, forms.Form):
    pieces = forms.IntegerField(label=_("Physical stock"), min_value=0, max_value=1_000_000)


class CheckoutForm(Styled, forms.Form):
    """Who buys, and how it is to travel."""

    name = forms.CharField(label=_("Name"), max_length=100, initial="Kim Berg")
    email = forms.EmailField(label=_("Email"), initial="kim.berg@example.com")
    cell = forms.CharField(label=_("Phone"), max_length=40, required=False, initial="+46700000001")
    address = forms.CharField(label=_("Address"), max_length=200, required=False, initial="Strandgatan 9")
    zipcode = forms.CharField(label=_("Postcode"), max_length=20, required=False, initial="41101")
    city = forms.CharField(label=_("City"), max_length=100, required=False, initial="Göteborg")
    country = forms.RegexField(
        r"^[A-Z]{2}\Z",
        label=_("Country"),
        initial="SE",
        help_text=_("Two capital letters, such as SE."),
        error_messages={"invalid": _("Write the country as two capital letters, such as SE.")},
    )
    shipping = forms.CharField(
        label=_("Shipping method"),
        max_length=200,
        initial="standard",
        help_text=_("Goes into the order as it is written. Choose one, or type any other."),
        widget=forms.TextInput(attrs={"list": "shipping-methods", "autocomplete": "off"}),
    )
    ingrid_method = forms.CharField(
        label=_("Delivery choice of Ingrid"), max_length=100, required=False, help_text=_("Leave blank for none.")
    )
    pickup_point = forms.CharField(label=_("Pick-up point"), max_length=100, required=False)
    comment = forms.CharField(label=_("Comment"), max_length=500, required=False)

    def order_fields_for_model(self) -> dict[str, Any]:
        """What `Shop.place_order` takes."""
        data = self.cleaned_data
        address = {key: data[key] for key in ("name", "email", "cell", "address", "zipcode", "city", "country")}
        ingrid = {"shipwallet_method": data["ingrid_method"], "shipwallet_pickup": data["pickup_point"]}
        return {
            "delivery": address,
            "country": address["country"],
            "shipping": data["shipping"],
            "comment": data["comment"],
            "attributes": {name: value for name, value in ingrid.items() if value},
        }


class LeverForm(Styled, forms.ModelForm[Fault]):
    """One thing that is to go wrong."""

    class Meta:
        model = Fault
        fields = ["kind", "times", "skip", "plugin"]
        labels = {"plugin": _("Plugin")}
        help_texts = {"times": _("Blank: until you take it away.")}

    kind = forms.ChoiceField(label=_("What goes wrong"), choices=[("", _("Choose …")), *Fault.Kind.choices])
    endpoint = forms.ChoiceField(label=_("Endpoint"), required=False)
    params = forms.CharField(
        label=_("Parameters"),
        required=False,
        help_text=_("As JSON, for example: %(example)s") % {"example": '{"code": 429, "retry_after": 30}'},
    )

    def __init__(self, shop: Shop, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.instance.shop = shop
        self.fields["plugin"].queryset = shop.plugins.all()  # type: ignore[attr-defined]
        self.fields["plugin"].empty_label = _("Every plugin")  # type: ignore[attr-defined]
        names = [(name, f"{name} · {label}") for name, label in ENDPOINTS.items()]
        self.fields["endpoint"].choices = [("", _("Any endpoint")), *names]  # type: ignore[attr-defined]
        self.fields["skip"].required = False
        self.order_fields(["kind", "endpoint", "params", "times", "skip", "plugin"])

    def clean_skip(self) -> int:
        return self.cleaned_data["skip"] or 0

    def clean_params(self) -> dict[str, Any]:
        text = self.cleaned_data["params"] or "{}"
        try:
            params = json.loads(text)
        except ValueError:
            params = None
        if not isinstance(params, dict):
            raise forms.ValidationError(_("This is no JSON object. Write names and values in braces."))
        return self._sensible(params)

    @staticmethod
    def _sensible(params: dict[str, Any]) -> dict[str, Any]:
        """Refuse numbers that would spoil the server rather than the answer."""
        limits = {"seconds": 600, "drips": 1_000, "megabytes": 1_000, "code": 599, "row": 1_000_000}
        for name, highest in limits.items():
            value = params.get(name, 0)
            if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= highest:
                raise forms.ValidationError(
                    _("“%(name)s” has to be a number from 0 to %(highest)d.") % {"name": name, "highest": highest}
                )
        if "code" in params and (not isinstance(params["code"], int) or params["code"] < 200):
            raise forms.ValidationError(_("“code” has to be an HTTP status from 200 to 599."))
        return params

    def save(self, commit: bool = True) -> Fault:
        self.instance.endpoint = self.cleaned_data["endpoint"]
        self.instance.params = self.cleaned_data["params"]
        fault: Fault = super().save(commit)
        return fault


class SwitchesForm(Styled, forms.Form):
    """Every open question of the documents, with its answers."""

    def __init__(self, shop: Shop, *args: Any, **kwargs: Any) -> None:
        self.shop = shop
        super().__init__(*args, **kwargs)
        self.fields |= {switch.name: self._field(switch) for switch in SWITCHES}

    def _field(self, switch: Switch) -> forms.ChoiceField:
        """The answers by their places, for values of several types do not survive a form."""
        values = [value for value, _label in switch.choices]
        field = forms.ChoiceField(
            label=str(switch.label),
            choices=[(str(place), label) for place, (_value, label) in enumerate(switch.choices)],
            initial=str(values.index(self.shop.switch(switch.name))),
        )
        field.widget.attrs["class"] = "form-select"
        return field

    def save(self) -> None:
        chosen = {switch.name: switch.choices[int(self.cleaned_data[switch.name])][0] for switch in SWITCHES}
        self.shop.switches = {
            switch.name: chosen[switch.name] for switch in SWITCHES if chosen[switch.name] != switch.default
        }
        self.shop.save(update_fields=["switches"])
