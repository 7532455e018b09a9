"""What keeps an item from becoming a product, each in a sentence a merchant can act on. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from integrations.connectors.base import ProductData
from products import skus


class Code(models.TextChoices):
    """Every problem has a name; the label stands in filters and counts."""

    NO_SKU = "no_sku", gettext_lazy("No SKU")
    SAME_SKU = "same_sku", gettext_lazy("Same SKU twice")
    JOIN = "join", gettext_lazy("Join ambiguity")
    TWIN = "twin", gettext_lazy("Reads like another SKU")
    SIGN = "sign", gettext_lazy("Forbidden character")
    LENGTH = "length", gettext_lazy("SKU too long")
    EAN_WRONG = "ean_wrong", gettext_lazy("EAN is wrong")
    EAN_TWICE = "ean_twice", gettext_lazy("Same EAN twice")
    EAN_MISSING = "ean_missing", gettext_lazy("No EAN")
    SKU_CHANGED = "sku_changed", gettext_lazy("SKU changed in the shop")
    BUNDLE = "bundle", gettext_lazy("Bundle")


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of one item. `details` are plain words (names, SKUs, parts) that the sentence uses."""

    code: Code
    details: dict[str, Any] = field(default_factory=dict)

    def dump(self) -> dict[str, Any]:
        return {"code": self.code.value, **self.details}

    @classmethod
    def load(cls, row: dict[str, Any]) -> Problem:
        return cls(Code(row["code"]), {key: value for key, value in row.items() if key != "code"})

    @property
    def title(self) -> str:
        return str(self.code.label)

    @property
    def sentence(self) -> str:
        """What is wrong, and where in Centra to mend it."""
        return _SENTENCES[self.code](self.details)


def codes_text(problems: list[dict[str, Any]]) -> str:
    """The codes as one searchable text, `|no_sku|ean_wrong|`; "" without a problem."""
    if not problems:
        return ""
    codes = sorted({row["code"] for row in problems})
    return f"|{'|'.join(codes)}|"


def own_problems(item: ProductData) -> list[Problem]:
    """What can be said of one item alone."""
    found = []
    if item.is_bundle:
        found.append(Problem(Code.BUNDLE))
    sku = item.sku
    if not sku.strip():
        found.append(Problem(Code.NO_SKU))
    if signs := skus.forbidden_characters(sku):
        found.append(Problem(Code.SIGN, {"signs": _visible(signs), "where": _parts_with(item, signs)}))
    if len(sku) > 200:
        found.append(Problem(Code.LENGTH, {"length": len(sku)}))
    if item.ean and not skus.is_ean(item.ean):
        found.append(Problem(Code.EAN_WRONG, {"ean": item.ean}))
    return found


def _visible(signs: str) -> str:
    return " ".join(sign if sign.isprintable() else f"U+{ord(sign):04X}" for sign in signs)


def _parts_with(item: ProductData, signs: str) -> list[str]:
    parts = {"product": item.sku_product, "variant": item.sku_variant, "size": item.sku_size}
    return [name for name, text in parts.items() if set(text) & set(signs)]


def _no_sku(details: dict[str, Any]) -> str:
    return _(
        "This item has no SKU at all. Open the product in Centra and give it a product SKU, variant SKU or size SKU."
    )


def _same_sku(details: dict[str, Any]) -> str:
    return _(
        "“%(other)s” has the same SKU %(sku)s%(more)s. "
        "Give one of them another size SKU in Centra: product → variant → size."
    ) % {**details, "more": _more(details)}


def _join(details: dict[str, Any]) -> str:
    return _(
        "Join ambiguity: %(parts)s here and %(other_parts)s of “%(other)s” give the same SKU %(sku)s%(more)s. "
        "Change one part in Centra, for example with a dash before the size SKU."
    ) % {
        **details,
        "parts": "+".join(details["parts"]),
        "other_parts": "+".join(details["other_parts"]),
        "more": _more(details),
    }


def _more(details: dict[str, Any]) -> str:
    count = details.get("more", 0)
    return _(" (and %(count)d more)") % {"count": count} if count else ""


def _twin(details: dict[str, Any]) -> str:
    return _(
        "The SKU %(sku)s differs from %(other_sku)s of “%(other)s” only in capitals or blanks; people and scanners "
        "will mix them up. Change one of them in Centra: product → variant → size."
    ) % {**details, "sku": _quoted(details["sku"]), "other_sku": _quoted(details["other_sku"])}


def _quoted(sku: str) -> str:
    """Blanks are to be seen."""
    return f"“{sku.replace(' ', '␣')}”"


def _sign(details: dict[str, Any]) -> str:
    parts = {"product": _("product SKU"), "variant": _("variant SKU"), "size": _("size SKU")}
    where = ", ".join(parts[name] for name in details["where"]) or _("SKU")
    return _("The warehouse cannot use %(signs)s in an SKU. Take it out of the %(where)s in Centra.") % {
        "signs": details["signs"],
        "where": where,
    }


def _length(details: dict[str, Any]) -> str:
    return (
        _("The joined SKU has %(length)d characters; 200 are possible. Shorten one of its parts in Centra.") % details
    )


def _ean_wrong(details: dict[str, Any]) -> str:
    return (
        _(
            "The EAN %(ean)s is wrong: its check digit or its length does not fit. "
            "Correct it in Centra at the size of the variant."
        )
        % details
    )


def _ean_twice(details: dict[str, Any]) -> str:
    return _(
        "“%(other)s” (SKU %(other_sku)s) has the same EAN %(ean)s%(more)s. Every size needs an EAN of its own; correct "
        "it in Centra at the size of the variant."
    ) % {**details, "more": _more(details)}


def _ean_missing(details: dict[str, Any]) -> str:
    return _(
        "This item has no EAN, and this integration identifies products by EAN. "
        "Enter it in Centra at the size of the variant."
    )


def _sku_changed(details: dict[str, Any]) -> str:
    return (
        _(
            "The SKU was changed in the shop: %(old)s → %(sku)s. Relink it to the new SKU, or keep it linked to "
            "%(old)s if the goods in the warehouse still carry the old label."
        )
        % details
    )


def _bundle(details: dict[str, Any]) -> str:
    return _("A bundle has no stock of its own: the warehouse keeps its parts. Nothing is to be done; ignore it.")


_SENTENCES = {
    Code.NO_SKU: _no_sku,
    Code.SAME_SKU: _same_sku,
    Code.JOIN: _join,
    Code.TWIN: _twin,
    Code.SIGN: _sign,
    Code.LENGTH: _length,
    Code.EAN_WRONG: _ean_wrong,
    Code.EAN_TWICE: _ean_twice,
    Code.EAN_MISSING: _ean_missing,
    Code.SKU_CHANGED: _sku_changed,
    Code.BUNDLE: _bundle,
}
