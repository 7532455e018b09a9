"""Which of the due items are told to a shop, which cannot be, which wait for a person: rows in, lists out. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from products.formula import Formula


@dataclass(frozen=True, slots=True)
class Row:
    """One due item. `before` is what the shop showed until now, as far as anybody knows."""

    pk: int
    external_id: str
    identifier: str
    formula: Formula
    open_pieces: int = 0
    before: int | None = None
    allocated: int | None = 0
    namesakes: int = 1
    is_unsure: bool = False
    is_unheard_of: bool = False
    is_approved: bool = False

    @property
    def figure(self) -> int:
        return self.formula.figure

    @property
    def is_emptying(self) -> bool:
        return self.figure == 0 and bool(self.before) and not self.is_approved

    @property
    def is_below_open(self) -> bool:
        """The shop's own open orders may keep its count above the figure."""
        return self.figure < self.open_pieces


@dataclass(slots=True)
class Decision:
    """What becomes of a chunk; each row is in exactly one of the lists."""

    send: list[Row] = field(default_factory=list)
    hold: list[Row] = field(default_factory=list)
    refuse: list[tuple[Row, str]] = field(default_factory=list)


def decide(rows: Iterable[Row], *, must_hold: bool) -> Decision:
    """Who is sent, who waits for a person, who cannot be sent."""
    decision = Decision()
    for row in rows:
        if sentence := obstacle(row):
            decision.refuse.append((row, sentence))
        elif must_hold and row.is_emptying:
            decision.hold.append(row)
        else:
            decision.send.append(row)
    return decision


def obstacle(row: Row) -> str:
    """Why the figure cannot be sent; "" where it can."""
    if not row.identifier:
        return _("The item has no such identifier in the shop: no EAN, or no SKU.")
    if row.namesakes > 1:
        words = _("%(n)d items of the shop have “%(what)s”; it does not tell which of them is meant.")
        return words % {"n": row.namesakes, "what": row.identifier}
    return _("The shop shows no stock of this item.") if row.allocated is None else ""


def pieces(row: Row) -> int:
    """What is written: the figure, less what the shop has allocated where it is told the available pieces."""
    return max(0, row.figure - (row.allocated or 0))


def phrases() -> dict[str, Callable[[int], str]]:
    """How the activity reads the counts of a run."""
    return {
        "told": lambda n: ngettext("%(n)s figure told", "%(n)s figures told", n),
        "refused": lambda n: _("%(n)s refused"),
        "braked": lambda n: ngettext("%(n)s waits for approval", "%(n)s wait for approval", n),
        "kept up": lambda n: _("%(n)s kept up by the shop’s open orders"),
        "read back": lambda n: _("%(n)s read back"),
        "drift": lambda n: ngettext("%(n)s differs in the shop", "%(n)s differ in the shop", n),
    }
