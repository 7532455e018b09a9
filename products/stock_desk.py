"""The forms of the staff's desk for goods: count in, and correct."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from products.adjusting import MOST_PIECES as MOST_ON_HAND
from products.models import StockUpdateLine
from products.receiving import MOST_PIECES


@dataclass(frozen=True, slots=True)
class CountedLine:
    """One line of the *Receive* page: what it says, and its two fields."""

    line: StockUpdateLine
    pieces: forms.BoundField
    comment: forms.BoundField
    shown: forms.BoundField

    @property
    def missing(self) -> int:
        return max(0, self.line.expected - self.line.received)


class ReceiveForm(forms.Form):
    """Pieces counted now, per line; carries the received figures that it showed, so that nothing is counted twice."""

    comment = forms.CharField(
        label=gettext_lazy("Comment for the merchant"),
        required=False,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 2}),
    )

    def __init__(self, lines: Iterable[StockUpdateLine], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.lines = list(lines)  # no more than a page: three fields each, and a form has a thousand at most
        for line in self.lines:
            self.fields[f"pieces-{line.pk}"] = _pieces_field(line)
            self.fields[f"comment-{line.pk}"] = _comment_field(line)
            self.fields[f"shown-{line.pk}"] = forms.IntegerField(widget=forms.HiddenInput, initial=line.received)

    def rows(self) -> list[CountedLine]:
        return [
            CountedLine(line, self[f"pieces-{line.pk}"], self[f"comment-{line.pk}"], self[f"shown-{line.pk}"])
            for line in self.lines
        ]

    def by_line(self, name: str) -> dict[int, Any]:
        """What was typed into the fields of this name, by the lines' keys; empty ones left out."""
        typed = {line.pk: self.cleaned_data.get(f"{name}-{line.pk}") for line in self.lines}
        return {pk: value for pk, value in typed.items() if value not in (None, "")}

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        says = [self.cleaned_data.get("comment"), *self.by_line("pieces").values(), *self.by_line("comment").values()]
        if not self.errors and not any(says):
            self.add_error(None, _("Nothing was entered: give the pieces that came, or a comment."))
        return cleaned


def _pieces_field(line: StockUpdateLine) -> forms.IntegerField:
    label = _("Pieces of %(sku)s that came now") % {"sku": line.product.sku}
    attrs = {"aria-label": label, "class": "vIntegerField", "min": "0"}
    negative = _("Pieces are only added here. To take some away, adjust the stock and say why.")
    return forms.IntegerField(
        label=label,
        required=False,
        min_value=0,
        max_value=MOST_PIECES,
        error_messages={"min_value": negative},
        widget=forms.NumberInput(attrs=attrs),
    )


def _comment_field(line: StockUpdateLine) -> forms.CharField:
    label = _("Comment on %(sku)s") % {"sku": line.product.sku}
    return forms.CharField(
        label=label,
        required=False,
        max_length=300,
        widget=forms.TextInput(attrs={"aria-label": label, "placeholder": line.comment, "class": "vTextField"}),
    )


class AdjustForm(forms.Form):
    """A new figure or a difference, and why."""

    to = forms.IntegerField(label=gettext_lazy("New figure"), required=False, min_value=0, max_value=MOST_ON_HAND)
    by = forms.IntegerField(
        label=gettext_lazy("Or the difference"),
        required=False,
        min_value=-MOST_ON_HAND,
        max_value=MOST_ON_HAND,
        help_text=gettext_lazy("As in −2 for two broken pieces, or 3 for three found."),
    )
    reason = forms.CharField(
        label=gettext_lazy("Why"), max_length=300, help_text=gettext_lazy("Stays in the ledger; the merchant reads it.")
    )
    shown = forms.IntegerField(widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or self.cleaned_data
        if not self.errors and (cleaned.get("to") is None) == (cleaned.get("by") is None):
            self.add_error("to", _("Give either the new figure or the difference."))
        return cleaned
