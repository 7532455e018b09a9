"""What *Create product* did, in words that add up: chosen = created + linked + left, each reason a link to its rows."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import Any

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from products.create import Answer
from products.forms import SyncFilter
from products.models import Tab, WebshopProductQuerySet
from products.problems import Code


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some were left; `address` shows them."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Plain counts, as they are kept from the press of the button to the page after it.

    `left` counts by tab, `problems` those with a problem by the first code of each, so that they add up too.
    `changed` are those that somebody else, or a refresh, took up between choosing and creating.
    """

    token: str
    chosen: int
    created: int
    linked: int
    left: dict[str, int] = field(default_factory=dict)
    problems: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, token: str, chosen: int, answer: Answer, items: WebshopProductQuerySet) -> Outcome:
        problems = first_problems(items) if answer.left[Tab.PROBLEMS] else {}
        return cls(token, chosen, answer.created, answer.linked, dict(answer.left), problems)

    def dump(self) -> dict[str, Any]:
        return asdict(self)

    @property
    def left_count(self) -> int:
        return self.chosen - self.created - self.linked

    @property
    def changed(self) -> int:
        return max(0, self.left_count - sum(self.left.values()))

    @property
    def has_done_something(self) -> bool:
        return bool(self.created or self.linked)

    @property
    def title(self) -> str:
        """“Created 12, linked 3, left 2.”"""
        if not self.has_done_something:
            return _("Nothing was created: everything chosen is left as it is.")
        counts = {"created": self.created, "linked": self.linked, "left": self.left_count}
        return _("Created %(created)s, linked %(linked)s, left %(left)s.") % counts

    def reasons(self, words: SyncFilter) -> list[Reason]:
        """Why items were left, with links to them."""
        named = [self._by_problem(words, Code(code), number) for code, number in self.problems.items()]
        by_tab = [self._by_tab(words, Tab(tab), number) for tab, number in self.left.items() if not self._is_named(tab)]
        return [*named, *by_tab, *self._by_change(words)]

    def _is_named(self, tab: str) -> bool:
        return tab == Tab.PROBLEMS and sum(self.problems.values()) == self.left[tab]

    def _by_problem(self, words: SyncFilter, code: Code, number: int) -> Reason:
        text = ngettext("%(n)d has a problem: %(what)s", "%(n)d have a problem: %(what)s", number)
        address = words.address(tab=Tab.PROBLEMS, problem=code.value)
        return Reason(text % {"n": number, "what": code.label}, address)

    def _by_tab(self, words: SyncFilter, tab: Tab, number: int) -> Reason:
        sentences = {
            Tab.LINKED: ngettext("%(n)d is linked already", "%(n)d are linked already", number),
            Tab.PROBLEMS: ngettext("%(n)d has a problem", "%(n)d have a problem", number),
            Tab.IGNORED: ngettext("%(n)d is ignored", "%(n)d are ignored", number),
            Tab.GONE: ngettext("%(n)d is gone from the shop", "%(n)d are gone from the shop", number),
        }
        return Reason(sentences[tab] % {"n": number}, words.address(tab=tab, problem=""))

    def _by_change(self, words: SyncFilter) -> list[Reason]:
        if not self.changed:
            return []
        text = ngettext(
            "%(n)d changed in the same moment; look again",
            "%(n)d changed in the same moment; look again",
            self.changed,
        )
        return [Reason(text % {"n": self.changed}, words.address(tab=Tab.PROBLEMS, problem=""))]


def first_problems(items: WebshopProductQuerySet) -> dict[str, int]:
    """The items of the tab *Problems* among these, by the first problem of each."""
    found: Counter[str] = Counter()
    rows = items.on_tab(Tab.PROBLEMS).order_by().values_list("problem_codes").annotate(number=Count("pk"))
    for codes, number in rows:
        found[codes.strip("|").split("|")[0]] += number
    return dict(found)
