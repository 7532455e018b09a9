"""The forms of the staff's desk for orders: the parcel of an order, and the pieces found at picking."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.connectors.base import ParcelData
from orders.models import Order, OrderLine

MOST_PARCELS = 999


class ParcelForm(forms.Form):
    """How one order travels: one row of *Mark as shipped*, its fields named by the order's key."""

    carrier = forms.CharField(label=gettext_lazy("Carrier"), required=False, max_length=80)
    service = forms.CharField(label=gettext_lazy("Service"), required=False, max_length=120)
    tracking_code = forms.CharField(label=gettext_lazy("Tracking code"), required=False, max_length=120)
    parcels = forms.IntegerField(
        label=gettext_lazy("Parcels"),
        min_value=1,
        max_value=MOST_PARCELS,
        error_messages={"min_value": gettext_lazy("A shipment has at least one parcel.")},
    )

    def __init__(self, order: Order, data: Any = None) -> None:
        method = order.method
        carrier = order.carrier or (method.carrier.name if method else "")
        service = order.service or (method.service if method else "")
        initial = {"carrier": carrier, "service": service, "parcels": order.parcels or 1}
        super().__init__(data, prefix=str(order.pk), initial=initial)
        self.order = order
        for field in self.fields.values():
            label = _("%(field)s of %(order)s") % {"field": field.label, "order": order.label}
            field.widget.attrs |= {"aria-label": label, "class": "desk-field", "autocomplete": "off"}

    def clean_tracking_code(self) -> str:
        code = str(self.cleaned_data["tracking_code"])
        method = self.order.method
        if method and method.has_tracking and not code:
            raise forms.ValidationError(
                _("%(method)s has tracking: give the code on the label.") % {"method": method.label}
            )
        return code

    def parcel(self) -> ParcelData:
        """What was typed; after `is_valid`."""
        said = self.cleaned_data
        return ParcelData(
            carrier=said["carrier"],
            service=said["service"],
            tracking_code=said["tracking_code"],
            parcels=said["parcels"],
        )


class FoundForm(forms.Form):
    """The pieces found of each line of one order; all of them unless told otherwise."""

    def __init__(self, order: Order, data: Any = None) -> None:
        super().__init__(data)
        self.lines = [line for line in order.lines.all() if line.pieces]
        for line in self.lines:
            self.fields[f"found-{line.pk}"] = _found_field(line)

    def rows(self) -> list[tuple[OrderLine, forms.BoundField]]:
        return [(line, self[f"found-{line.pk}"]) for line in self.lines]

    def pieces(self) -> dict[int, int]:
        """Line id → pieces found; after `is_valid`."""
        return {line.pk: self.cleaned_data[f"found-{line.pk}"] for line in self.lines}


def _found_field(line: OrderLine) -> forms.IntegerField:
    label = _("Pieces found of %(sku)s") % {"sku": line.sku or line.name}
    most = _("The order has %(n)d of these; more cannot be sent with it.") % {"n": line.pieces}
    return forms.IntegerField(
        label=label,
        initial=line.pieces if line.found is None else line.found,
        min_value=0,
        max_value=line.pieces,
        error_messages={
            "required": _("Give the pieces found, 0 if there were none."),
            "min_value": _("Fewer than none cannot be found."),
            "max_value": most,
        },
        widget=forms.NumberInput(attrs={"aria-label": label, "class": "desk-field"}),
    )
