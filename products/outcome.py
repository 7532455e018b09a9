"""What *Create product* did, in words that add up: chosen = created + linked + left, each reason a link to its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.models import SyncRun
from products.creating import FAILED, LEFT
from products.forms import SyncFilter
from products.models import Tab
from products.problems import Code

TABS = (Tab.LINKED, Tab.IGNORED, Tab.GONE)  # where an item stands that is left without a problem


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some were left; `address` shows them."""

    text: str
    address: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """The counts of a record that is closed.

    `left` counts by reason: the first problem's code, else the tab. `vanished` are those whose rows are gone: the
    integration was pointed at another shop between choosing and creating.
    """

    chosen: int
    created: int
    linked: int
    left: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, record: SyncRun) -> Outcome:
        counts = record.counts
        left = {key.removeprefix(LEFT): number for key, number in counts.items() if key.startswith(LEFT)}
        return cls(counts.get("chosen", 0), counts.get("created", 0), counts.get("linked", 0), left)

    @property
    def left_count(self) -> int:
        return self.chosen - self.created - self.linked

    @property
    def vanished(self) -> int:
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
        """Why items were left, with links to them: problems first, as the tabs stand."""
        known = [reason for reason in (*Code.values, *map(str, TABS), FAILED) if self.left.get(reason)]
        found = [Reason(_sentence(reason, self.left[reason]), _address(reason, words)) for reason in known]
        return found + self._of_vanished(words)

    def _of_vanished(self, words: SyncFilter) -> list[Reason]:
        if not self.vanished:
            return []
        text = ngettext("%(n)d is no longer there; look again", "%(n)d are no longer there; look again", self.vanished)
        return [Reason(text % {"n": self.vanished}, words.address(tab=Tab.NEW, problem=""))]


def _sentence(reason: str, number: int) -> str:
    if reason in Code.values:
        text = ngettext("%(n)d has a problem: %(what)s", "%(n)d have a problem: %(what)s", number)
        return text % {"n": number, "what": Code(reason).label}
    sentences = {
        Tab.LINKED.value: ngettext("%(n)d is linked already", "%(n)d are linked already", number),
        Tab.IGNORED.value: ngettext("%(n)d is ignored", "%(n)d are ignored", number),
        Tab.GONE.value: ngettext("%(n)d is gone from the shop", "%(n)d are gone from the shop", number),
        FAILED: ngettext(
            "%(n)d failed on our side; we look into it", "%(n)d failed on our side; we look into it", number
        ),
    }
    return sentences[reason] % {"n": number}


def _address(reason: str, words: SyncFilter) -> str:
    if reason in Code.values:
        return words.address(tab=Tab.PROBLEMS, problem=reason)
    return words.address(tab=Tab.NEW if reason == FAILED else reason, problem="")


def phrases() -> dict[str, Callable[[int], str]]:
    """How the activity reads the counts of what was left."""
    return {
        **{LEFT + code.value: _problem_phrase(code) for code in Code},
        LEFT + Tab.LINKED: lambda n: _("%(n)s linked already"),
        LEFT + Tab.IGNORED: lambda n: _("%(n)s ignored"),
        LEFT + Tab.GONE: lambda n: _("%(n)s left: gone from the shop"),
        LEFT + FAILED: lambda n: _("%(n)s failed on our side"),
    }


def _problem_phrase(code: Code) -> Callable[[int], str]:
    return lambda n: _("%(n)s left: {problem}").format(problem=str(code.label).replace("%", "%%"))
