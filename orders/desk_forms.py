"""The forms of the staff's desk for orders: the parcel of an order, the pieces found at picking, and what came back."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.connectors.base import ParcelData
from orders.models import Order, OrderLine
from orders.returning import Back

MOST_PARCELS = 999
MOST_SHOWN = 2_147_483_647  # what a column of pieces can hold


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


class ReturnForm(forms.Form):
    """Per line of one order the pieces that came back now, and how many of these go on the shelf.

    A line's `shown` are the pieces that had come back when the page was made; its fields end in the line's key.
    """

    comment = forms.CharField(
        label=gettext_lazy("Comment"),
        required=False,
        max_length=300,
        help_text=gettext_lazy("What the merchant should know, such as what is damaged."),
        widget=forms.TextInput(attrs={"class": "vTextField", "autocomplete": "off"}),
    )

    def __init__(self, order: Order, data: Any = None) -> None:
        super().__init__(data)
        self.lines = [line for line in order.lines.all() if line.pieces]
        self.open = [line for line in self.lines if line.returned < line.pieces]
        for line in self.open:
            self.fields[f"came-{line.pk}"] = _came_field(line)
            self.fields[f"shelf-{line.pk}"] = _shelf_field(line)
            self.fields[f"shown-{line.pk}"] = forms.IntegerField(required=False, min_value=0, max_value=MOST_SHOWN)

    def rows(self) -> list[tuple[OrderLine, forms.BoundField | None, forms.BoundField | None]]:
        """Each line that was sent, with its two fields; none where all of it is back."""
        return [
            (line, self[f"came-{line.pk}"], self[f"shelf-{line.pk}"]) if line in self.open else (line, None, None)
            for line in self.lines
        ]

    def clean(self) -> dict[str, Any]:
        said = self.cleaned_data
        for line in self.open:
            came, shelf = said.get(f"came-{line.pk}") or 0, said.get(f"shelf-{line.pk}")
            if f"came-{line.pk}" in self.errors or f"shelf-{line.pk}" in self.errors:
                continue
            if came and shelf is None:
                self.add_error(f"shelf-{line.pk}", _("How many of these go on the shelf? 0 if none."))
            elif (shelf or 0) > came:
                self.add_error(f"shelf-{line.pk}", _("No more can go on the shelf than came back."))
        if not self.errors and not any(said.get(f"came-{line.pk}") for line in self.open):
            raise forms.ValidationError(_("Enter the pieces that came back."))
        return said

    def back(self) -> dict[int, Back]:
        """By line id; after `is_valid`."""
        said = self.cleaned_data
        return {
            line.pk: Back(said[f"came-{line.pk}"], said[f"shelf-{line.pk}"])
            for line in self.open
            if said[f"came-{line.pk}"]
        }

    def shown(self) -> dict[int, int]:
        """By line id what had come back before, as the page said; after `is_valid`."""
        said = {line.pk: self.cleaned_data[f"shown-{line.pk}"] for line in self.open}
        return {pk: pieces for pk, pieces in said.items() if pieces is not None}


def _came_field(line: OrderLine) -> forms.IntegerField:
    left = line.pieces - line.returned
    most = _("%(n)d of these can still come back; more were not sent.") % {"n": left}
    return _pieces_field(_("Came back of %(sku)s") % {"sku": line.sku or line.name}, left, most)


def _shelf_field(line: OrderLine) -> forms.IntegerField:
    most = _("No more can go on the shelf than came back.")
    if line.product_id is None:
        most = _("This is no product here, so it has no shelf: enter 0.")
    left = line.pieces - line.returned if line.product_id else 0
    return _pieces_field(_("On the shelf again of %(sku)s") % {"sku": line.sku or line.name}, left, most)


def _pieces_field(label: str, most: int, too_many: str) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=0,
        max_value=most,
        error_messages={"min_value": _("Fewer than none cannot come back."), "max_value": too_many},
        widget=forms.NumberInput(attrs={"aria-label": label, "class": "desk-field"}),
    )


class CommentForm(forms.Form):
    """What the warehouse writes about an order; nothing takes it out."""

    comment = forms.CharField(
        label=gettext_lazy("The warehouse’s comment"),
        required=False,
        max_length=2000,
        help_text=gettext_lazy("The merchant reads it on the order, the packers on the pick list."),
        widget=forms.Textarea(attrs={"rows": 5}),
    )
