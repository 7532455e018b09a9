"""What a run has counted, as a person reads it. Pure: counts in, words out.

seen = new + changed + unchanged      the equation; it is said so only where it adds up
gone, back, unreadable …              what else happened, behind it
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

WHOLE = "seen"
PARTS = ("new", "changed", "unchanged")

# In the order in which they are said; a count of another name follows under that name.
_PHRASES: dict[str, Callable[[int], str]] = {
    "pages": lambda n: ngettext("%(n)s page read", "%(n)s pages read", n),
    "seen": lambda n: _("%(n)s seen"),
    "new": lambda n: _("%(n)s new"),
    "changed": lambda n: _("%(n)s changed"),
    "unchanged": lambda n: _("%(n)s unchanged"),
    "back": lambda n: _("%(n)s back again"),
    "gone": lambda n: _("%(n)s gone"),
    "held": lambda n: _("%(n)s not shown"),
    "unreadable": lambda n: _("%(n)s could not be read"),
    "repeated": lambda n: _("%(n)s shown twice by the shop"),
    "created": lambda n: ngettext("%(n)s product created", "%(n)s products created", n),
    "linked": lambda n: _("%(n)s linked"),
    "problems": lambda n: ngettext("%(n)s problem waits", "%(n)s problems wait", n),
}


@dataclass(frozen=True, slots=True)
class Count:
    """One number and its name, as the equation on the page shows it."""

    value: int
    label: str


def sentence(counts: Mapping[str, int]) -> str:
    """“3,500 seen = 12 new + 4 changed + 3,484 unchanged; 2 gone”. Nothing where nothing was counted."""
    said = [_equation_sentence(counts)] if WHOLE in counts else []
    said += [phrase(key, counts[key]) for key in _beside(counts)]
    return "; ".join(said)


def phrase(key: str, number: int) -> str:
    """“12 new”: one count with its name."""
    written = _written(number)
    return _PHRASES[key](number) % {"n": written} if key in _PHRASES else f"{written} {key}"


def adds_up(counts: Mapping[str, int]) -> bool:
    """Whether what was seen is the sum of its parts."""
    return counts.get(WHOLE, 0) == sum(counts.get(key, 0) for key in PARTS)


def whole(counts: Mapping[str, int]) -> Count | None:
    """What was seen; nothing where a run does not look at items."""
    return _count(WHOLE, counts[WHOLE]) if WHOLE in counts else None


def parts(counts: Mapping[str, int]) -> list[Count]:
    """Into what the seen are divided; all parts, also the empty ones."""
    return [_count(key, counts.get(key, 0)) for key in PARTS]


def beside(counts: Mapping[str, int]) -> list[Count]:
    """What else was counted, without the equation and without nothing."""
    return [_count(key, counts[key]) for key in ("pages", *_beside(counts)) if counts.get(key)]


def _equation_sentence(counts: Mapping[str, int]) -> str:
    if not counts[WHOLE]:
        return _("nothing seen")
    seen = phrase(WHOLE, counts[WHOLE])
    filled = [phrase(key, counts[key]) for key in PARTS if counts.get(key)]
    if not filled:
        return seen
    if adds_up(counts):
        return f"{seen} = {' + '.join(filled)}"
    return _("%(seen)s, %(parts)s (does not add up)") % {"seen": seen, "parts": ", ".join(filled)}


def _beside(counts: Mapping[str, int]) -> Iterable[str]:
    """The keys of what is said behind the equation: what is not nothing, in the order of the phrases."""
    inside = {WHOLE, *PARTS, "pages"}
    known = [key for key in _PHRASES if key not in inside and counts.get(key)]
    return known + sorted(key for key in counts if key not in _PHRASES and counts[key])


def _count(key: str, number: int) -> Count:
    return Count(number, phrase(key, number).removeprefix(_written(number)).strip())


def _written(number: int) -> str:
    return str(number_format(number, use_l10n=True, force_grouping=True))
