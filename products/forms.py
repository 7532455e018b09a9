"""One form per page: the words above the two lists, and the product."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from urllib.parse import urlencode

from django import forms
from django.core.cache import cache
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef
from django.forms import BoundField
from django.urls import reverse
from django.utils.formats import number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy
from django_stubs_ext import StrPromise

from integrations.models import Integration
from products.models import Product, ProductQuerySet, Tab, WebshopProduct, WebshopProductQuerySet
from products.problems import Code

CHOICES_SHOWN = 200  # of brands, collections and groups; beyond them there is the search
PAIRS_READ = 2000
PAIRS_KEPT = 60  # seconds; to find them, all items of the shop are read
WORDS_READ = 200  # characters of a search

Options = list[tuple[str, str | StrPromise]]


class Filter(forms.Form):
    """The words above a list. An address may hold nonsense: what is no choice of ours counts as not said."""

    SORTS: ClassVar[Mapping[str, tuple[str, ...]]]

    def word(self, name: str) -> str:
        """What was said in this field; "" for nothing."""
        self.is_valid()
        return str(self.cleaned_data.get(name) or "")

    @property
    def words(self) -> dict[str, str]:
        return {name: self.word(name) for name in self.fields if self.word(name)}

    @property
    def order(self) -> tuple[str, ...]:
        return self.SORTS[self.word("sort") or next(iter(self.SORTS))]


def search_field(label: str | StrPromise) -> forms.CharField:
    attrs = {"placeholder": label, "aria-label": label, "maxlength": WORDS_READ}
    return forms.CharField(required=False, label=label, widget=forms.TextInput(attrs={**attrs, "type": "search"}))


def choice_field(label: str | StrPromise, choices: Options) -> forms.ChoiceField:
    """One of these few, checked."""
    widget = forms.Select(attrs={"aria-label": label})
    errors = {"invalid_choice": gettext_lazy("what was asked for is not known here, and was left out.")}
    return forms.ChoiceField(required=False, label=label, choices=choices, widget=widget, error_messages=errors)


def word_field(label: str | StrPromise) -> forms.CharField:
    """A word of the merchant's own, such as a brand; the page fills in the choices."""
    return forms.CharField(required=False, label=label, strip=False, widget=forms.Select(attrs={"aria-label": label}))


def offer(field: forms.Field, nothing: str | StrPromise, words: Iterable[str], chosen: str) -> None:
    """Fill in the choices of a `word_field`; the chosen word is among them however many there are."""
    shown = sorted(set(words) - {""}, key=str.casefold)[:CHOICES_SHOWN]
    if chosen and chosen not in shown:
        shown.append(chosen)
    assert isinstance(field.widget, forms.Select)
    field.widget.choices = [("", nothing), *((word, word) for word in shown)]


class SyncFilter(Filter):
    """Which items of one shop are shown on *Sync webshop products*; also what *all* means there."""

    SORTS = {
        "name": ("name", "variant", "pk"),
        "sku": ("sku", "pk"),
        "newest": ("-first_seen_at", "pk"),
        "changed": ("-last_changed_at", "pk"),
    }
    q = search_field(gettext_lazy("Search name, SKU or EAN"))
    brand = word_field(gettext_lazy("Brand"))
    collection = word_field(gettext_lazy("Collection"))
    active = choice_field(
        gettext_lazy("Active in the shop"),
        [
            ("", gettext_lazy("Active or not")),
            ("yes", gettext_lazy("Active")),
            ("no", gettext_lazy("Not active")),
        ],
    )
    problem = choice_field(gettext_lazy("Problem"), [("", gettext_lazy("All problems")), *Code.choices])
    sort = choice_field(
        gettext_lazy("Order"),
        [
            ("", gettext_lazy("By name")),
            ("sku", gettext_lazy("By SKU")),
            ("newest", gettext_lazy("Newest first")),
            ("changed", gettext_lazy("Latest change first")),
        ],
    )
    tab = forms.ChoiceField(required=False, choices=Tab.choices, widget=forms.HiddenInput)

    def __init__(self, data: Mapping[str, Any], integration: Integration) -> None:
        super().__init__(data)
        self.integration = integration

    @property
    def chosen_tab(self) -> Tab:
        return Tab(self.word("tab") or Tab.NEW)

    @property
    def is_narrow(self) -> bool:
        """Whether anything but the tab and the order is chosen."""
        return bool(self.words.keys() - {"tab", "sort"})

    def items(self) -> WebshopProductQuerySet:
        """All items that match, in no order."""
        found = self.integration.webshop_products.on_tab(self.chosen_tab).search(self.word("q")[:WORDS_READ])
        exact = {name: self.word(name) for name in ("brand", "collection") if self.word(name)}
        found = found.filter(**exact)
        if self.word("active"):
            found = found.filter(is_active=self.word("active") == "yes")
        return found.with_problem(self.word("problem")) if self.word("problem") else found

    def address(self, page: str = "products:sync", **changes: str) -> str:
        """The page with these words, some of them changed; "" takes one out."""
        words = {**self.words, **changes}
        asked = {"shop": str(self.integration.pk), **{name: word for name, word in words.items() if word}}
        return f"{reverse(page, args=[self.integration.merchant_id])}?{urlencode(asked)}"

    def _pairs(self) -> list[tuple[str, str]]:
        items = self.integration.webshop_products.order_by()
        return list(items.values_list("brand", "collection").distinct()[:PAIRS_READ])

    def offer_choices(self, problem_counts: Mapping[Code, int]) -> None:
        """What this shop has, read for the page's selects; the choice of a problem only where there are problems."""
        pairs: list[tuple[str, str]] = (
            cache.get_or_set(f"products:pairs:{self.integration.pk}", self._pairs, PAIRS_KEPT) or []
        )
        offer(self.fields["brand"], _("All brands"), (brand for brand, _other in pairs), self.word("brand"))
        offer(self.fields["collection"], _("All collections"), (one for _other, one in pairs), self.word("collection"))
        counted = [(code.value, f"{code.label} ({number_format(n)})") for code, n in problem_counts.items()]
        problem = self.fields["problem"]
        assert isinstance(problem, forms.ChoiceField)
        problem.widget.choices = [("", _("All problems")), *counted]


class ProductFilter(Filter):
    """Which products of the merchant are listed."""

    SORTS = {
        "sku": ("sku", "pk"),
        "name": ("name", "pk"),
        "changed": ("-changed_at", "-pk"),
        "price": ("sales_price", "pk"),
        "weight": ("weight_kg", "pk"),
    }
    q = search_field(gettext_lazy("Search SKU, name or EAN"))
    origin = choice_field(gettext_lazy("Where from"), [])
    group = word_field(gettext_lazy("Group"))
    sort = choice_field(
        gettext_lazy("Order"),
        [
            ("", gettext_lazy("By SKU")),
            ("name", gettext_lazy("By name")),
            ("changed", gettext_lazy("Latest change first")),
            ("price", gettext_lazy("By price")),
            ("weight", gettext_lazy("By weight")),
        ],
    )

    def __init__(self, data: Mapping[str, Any], integrations: Iterable[Integration]) -> None:
        super().__init__(data)
        shops = [(str(one.pk), _("Linked to %(shop)s") % {"shop": one.label}) for one in integrations]
        origin = self.fields["origin"]
        assert isinstance(origin, forms.ChoiceField)
        origin.choices = [
            ("", _("All products")),
            ("shop", _("Linked to a shop")),
            *(shops if len(shops) > 1 else []),
            ("hand", _("By hand, no shop")),
        ]

    @property
    def is_narrow(self) -> bool:
        return bool(self.words.keys() - {"sort"})

    def narrow(self, products: ProductQuerySet) -> ProductQuerySet:
        found = products.search(self.word("q")[:WORDS_READ])
        if self.word("group"):
            found = found.filter(group=self.word("group"))
        origin, links = self.word("origin"), WebshopProduct.objects.filter(product=OuterRef("pk"))
        if origin == "hand":
            return found.filter(~Exists(links))
        if origin == "shop":
            return found.filter(Exists(links))
        return found.filter(Exists(links.filter(integration_id=int(origin)))) if origin else found

    def offer_groups(self, products: ProductQuerySet) -> None:
        groups = products.exclude(group="").order_by("group").values_list("group", flat=True).distinct()
        offer(self.fields["group"], _("All groups"), groups[:CHOICES_SHOWN], self.word("group"))


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the product's page: a field to fill in, or a fact to read, with what keeps it from being edited."""

    label: str
    is_wide: bool
    field: BoundField | None = None
    text: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    rows: list[Row]


SECTIONS = (
    (
        gettext_lazy("Basics"),
        ("sku", "ean", "name", "description", "language", "group", "supplier", "supplier_code", "alarm_level"),
    ),
    (
        gettext_lazy("Prices"),
        ("sales_price", "sales_currency", "purchase_price", "purchase_currency", "vat_percent"),
    ),
    (gettext_lazy("Measures"), ("weight_kg", "height_cm", "width_cm", "depth_cm")),
    (gettext_lazy("Customs"), ("country_of_origin", "hs_code", "customs_description")),
    (pgettext_lazy("addresses of web pages", "Links"), ("product_url", "picture_url")),
)
WIDE = ("name", "description", "customs_description", "product_url", "picture_url")


class ProductForm(forms.ModelForm[Product]):
    """All fields of one product. `locked` ones are facts on the page and no part of the form: nobody can post them."""

    product_url = forms.URLField(
        label=gettext_lazy("Link to the product page"), max_length=500, required=False, assume_scheme="https"
    )
    picture_url = forms.URLField(
        label=gettext_lazy("Link to a picture"), max_length=500, required=False, assume_scheme="https"
    )

    class Meta:
        model = Product
        fields = [name for _title, names in SECTIONS for name in names]
        help_texts = {
            "sku": gettext_lazy("As on the label: letters and digits, short; no slash."),
            "ean": gettext_lazy("The number under the barcode; 8, 12, 13 or 14 digits."),
            "sales_currency": gettext_lazy("Three letters, as in SEK."),
            "purchase_currency": gettext_lazy("Three letters, as in SEK."),
            "hs_code": gettext_lazy("Eight digits, as in 61101190."),
            "language": gettext_lazy("Of name and description; not every warehouse needs it."),
        }

    def __init__(self, *args: Any, locked: Mapping[str, str] | None = None, **kwargs: Any) -> None:
        """`locked` maps the names of fields to the note that stands beside the fact; "" for none."""
        super().__init__(*args, **kwargs)
        self.locked = locked or {}
        for name in self.locked:
            del self.fields[name]

    def sections(self) -> list[Section]:
        return [Section(str(title), [self._row(name) for name in names]) for title, names in SECTIONS]

    def _row(self, name: str) -> Row:
        label = capfirst(str(Product._meta.get_field(name).verbose_name))  # type: ignore[union-attr]
        if name in self.fields:
            return Row(label, name in WIDE, field=self[name])
        return Row(label, name in WIDE, text=shown(self.instance, name), note=self.locked[name])

    def clean_sku(self) -> str:
        sku: str = self.cleaned_data["sku"]
        others = Product.objects.for_merchant(self.instance.merchant).exclude(pk=self.instance.pk)
        if same := others.filter(sku=sku).first():
            raise ValidationError(same_sku(same))
        if "sku" in self.changed_data and (twin := others.reading_like(sku).first()):
            raise ValidationError(reads_like(sku, twin))
        return sku

    def clean_hs_code(self) -> str:
        code = re.sub(r"[ .]", "", self.cleaned_data["hs_code"])
        if code and not re.fullmatch(r"\d{6,10}", code):
            raise ValidationError(_("An HS code has six to ten digits, as in 61101190."))
        return code

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for kind in ("sales", "purchase"):
            self._check_currency(f"{kind}_price", f"{kind}_currency")
        return cleaned

    def _check_currency(self, price: str, currency: str) -> None:
        if currency not in self.cleaned_data:
            return
        code = self.cleaned_data[currency] = self.cleaned_data[currency].upper()
        if code and not (len(code) == 3 and code.isascii() and code.isalpha()):
            self.add_error(currency, _("A currency has three letters, as in SEK or EUR."))
        elif not code and self.cleaned_data.get(price) is not None:
            self.add_error(currency, _("Say in which currency the price is."))

    def store(self) -> Product | None:
        """Save; nothing where somebody took the SKU this very moment, which then stands as an error at the field."""
        try:
            with transaction.atomic():
                return self._write()
        except IntegrityError:
            same = Product.objects.for_merchant(self.instance.merchant).filter(sku=self.cleaned_data.get("sku")).first()
            if same is None or same.pk == self.instance.pk:
                raise
            self.add_error("sku", same_sku(same))
            return None

    def _write(self) -> Product:
        """Of a product that is there only what was typed: a refresh may have brought the rest anew meanwhile."""
        if self.instance._state.adding:
            return self.save()
        self.instance.save(update_fields=[*self.changed_data, "sku_folded", "changed_at"])
        return self.instance


def same_sku(product: Product) -> SafeString:
    return format_html(
        "{} {}. {}",
        _("Another product has this SKU:"),
        link_to(product),
        _("Every product needs one of its own."),
    )


def reads_like(sku: str, product: Product) -> SafeString:
    sentence = _("“%(sku)s” differs from “%(other)s” only in capitals or blanks; people and scanners will mix them up.")
    return format_html("{} {}", sentence % {"sku": sku, "other": product.sku}, link_to(product))


def link_to(product: Product) -> SafeString:
    address = reverse("products:edit", args=[product.merchant_id, product.pk])
    return format_html('<a href="{}">{} {}</a>', address, product.sku, product.name)


def shown(product: Product, name: str) -> str:
    """A value as a person reads it."""
    value = getattr(product, name)
    if name == "language":
        return str(product.get_language_display())
    if name == "country_of_origin":
        return str(value.name) if value else ""
    if value is None or isinstance(value, str):
        return value or ""
    return str(number_format(value))
