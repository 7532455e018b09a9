"""The forms of the stock updates: the words above the list, and one update."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from merchants.models import Merchant, Warehouse
from products import skus
from products.forms import WORDS_READ, Filter, choice_field, search_field
from products.models import Product, StockUpdate, StockUpdateLine
from products.stock_lines import Lines

YEARS = timedelta(days=2 * 366)


class StockUpdateFilter(Filter):
    """Which stock updates are listed."""

    SORTS = {"newest": ("-pk",), "expected": ("expected_on", "pk"), "changed": ("-changed_at", "-pk")}
    q = search_field(gettext_lazy("Search reference, supplier or SKU"))
    status = choice_field(gettext_lazy("Status"), [("", gettext_lazy("All statuses")), *StockUpdate.Status.choices])
    warehouse = choice_field(gettext_lazy("Warehouse"), [])
    sort = choice_field(
        gettext_lazy("Order"),
        [
            ("", gettext_lazy("Newest first")),
            ("expected", gettext_lazy("By expected day")),
            ("changed", gettext_lazy("Latest change first")),
        ],
    )

    def __init__(self, data: Mapping[str, Any], merchant: Merchant) -> None:
        super().__init__(data)
        houses = Warehouse.objects.filter(Q(merchants=merchant) | Q(stock_updates__merchant=merchant)).distinct()
        warehouse = self.fields["warehouse"]
        assert isinstance(warehouse, forms.ChoiceField)
        warehouse.choices = [("", _("All warehouses")), *((str(house.pk), house.name) for house in houses)]

    @property
    def is_narrow(self) -> bool:
        return bool(self.words.keys() - {"sort"})

    def narrow(self, updates: QuerySet[StockUpdate]) -> QuerySet[StockUpdate]:
        for word in self.word("q")[:WORDS_READ].split():
            updates = updates.filter(_speaks_of(word))
        exact = {name: self.word(name) for name in ("status", "warehouse") if self.word(name)}
        return updates.filter(**exact).order_by(*self.order)


def _speaks_of(word: str) -> Q:
    """In the references, the supplier, the tracking codes, or in the SKU of a line."""
    products = Product.objects.filter(sku_folded__contains=skus.fold(word))
    lines = StockUpdateLine.objects.filter(product__in=products).values("update")
    head = Q(number__iexact=word) | Q(reference__icontains=word) | Q(supplier__icontains=word)
    return head | Q(tracking_codes__icontains=word) | Q(pk__in=lines)


class WarehouseName(forms.ModelChoiceField[Warehouse]):
    """Warehouses by code and name, as one writes them on parcels."""

    def label_from_instance(self, obj: Warehouse) -> str:
        return str(obj)


class StockUpdateForm(forms.ModelForm[StockUpdate]):
    """What comes, when, from whom; the lines stand beside it in `Lines`."""

    warehouse = WarehouseName(label=gettext_lazy("Warehouse"), queryset=Warehouse.objects.none(), empty_label=None)

    class Meta:
        model = StockUpdate
        fields = [
            "warehouse",
            "supplier",
            "reference",
            "expected_on",
            "containers",
            "pallets",
            "parcels",
            "delivered_by",
            "tracking_codes",
            "comment",
        ]
        widgets = {
            "expected_on": forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
            "comment": forms.Textarea(attrs={"rows": 3}),
        }
        labels = {"supplier": gettext_lazy("Supplier"), "reference": gettext_lazy("Your reference")}
        help_texts = {
            "reference": gettext_lazy("Your own number for it, such as the order at your supplier."),
            "delivered_by": gettext_lazy("The carrier."),
            "tracking_codes": gettext_lazy("Several ones parted by commas."),
            "comment": gettext_lazy("What the warehouse should know."),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own = Q(merchants=self.instance.merchant) | Q(pk=self.instance.warehouse_id)
        warehouse = self.fields["warehouse"]
        assert isinstance(warehouse, WarehouseName)
        warehouse.queryset = Warehouse.objects.filter(own).distinct()
        for name in ("containers", "pallets", "parcels"):
            self.fields[name].required = False
            self.fields[name].widget.attrs |= {"min": 0, "inputmode": "numeric"}
        for field in self.fields.values():
            field.label = capfirst(str(field.label))

    def clean_expected_on(self) -> date:
        day: date = self.cleaned_data["expected_on"]
        if abs(day - timezone.localdate()) > YEARS:
            raise ValidationError(_("Look at the year: this is more than two years away."))
        return day

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        for name in ("containers", "pallets", "parcels"):
            if name in cleaned:
                cleaned[name] = cleaned[name] or 0  # left empty says none
        return cleaned

    @transaction.atomic
    def store(self, lines: Lines) -> StockUpdate | None:
        """The update with its lines, one per product; nothing where the warehouse has begun to receive it meanwhile."""
        if self.instance.pk:
            stored = StockUpdate.objects.select_for_update().get(pk=self.instance.pk)
            if stored.status != StockUpdate.Status.NEW:
                return None
            self.instance.save(update_fields=[*self.fields, "changed_at"])
        else:
            self.instance.save()
        _write_lines(self.instance, lines.totals())
        return self.instance


def _write_lines(update: StockUpdate, totals: Mapping[Product, int]) -> None:
    """Lines that stay keep their keys; the others go or come."""
    wanted = {product.pk: pieces for product, pieces in totals.items()}
    there = {line.product_id: line for line in update.lines.all()}
    gone = [line.pk for product, line in there.items() if product not in wanted]
    StockUpdateLine.objects.filter(pk__in=gone).delete()
    for product, line in there.items():
        line.expected = wanted.get(product, 0)
    StockUpdateLine.objects.bulk_update(
        [line for product, line in there.items() if product in wanted], ["expected"], batch_size=500
    )
    new = [product for product in wanted if product not in there]
    StockUpdateLine.objects.bulk_create(
        [StockUpdateLine(update=update, product_id=product, expected=wanted[product]) for product in new],
        batch_size=1000,
    )
