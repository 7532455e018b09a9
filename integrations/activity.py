"""What a run has counted, as a person reads it. Pure: counts in, words out.

seen = new + changed + unchanged      the equation; it is said so only where it adds up
gone, back, unreadable …              what else happened, behind it
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from django.utils.formats import number_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

# What was looked at, and into what it is divided: the parts add up to the whole.
WHOLES: dict[str, tuple[str, ...]] = {"seen": ("new", "changed", "unchanged")}

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
    "orders": lambda n: ngettext("%(n)s order seen", "%(n)s orders seen", n),
    "known": lambda n: _("%(n)s known"),
    "waiting": lambda n: _("%(n)s waiting"),
    "skipped": lambda n: _("%(n)s skipped"),
    "repeated": lambda n: _("%(n)s shown twice by the shop"),
    "chosen": lambda n: _("%(n)s chosen"),
    "created": lambda n: ngettext("%(n)s product created", "%(n)s products created", n),
    "linked": lambda n: _("%(n)s linked"),
    "moved": lambda n: ngettext("%(n)s order goes along", "%(n)s orders go along", n),
    "problems": lambda n: ngettext("%(n)s problem waits", "%(n)s problems wait", n),
}


def add_whole(key: str, parts: tuple[str, ...]) -> None:
    """Upper floors say in `AppConfig.ready()` what else is counted whole and in parts."""
    WHOLES[key] = parts


def register(phrases: Mapping[str, Callable[[int], str]]) -> None:
    """Upper floors say in `AppConfig.ready()` how a count of theirs is read; "%(n)s" stands for the number."""
    _PHRASES.update(phrases)


@dataclass(frozen=True, slots=True)
class Count:
    """One number and its name, as the equation on the page shows it."""

    value: int
    label: str


def sentence(counts: Mapping[str, int]) -> str:
    """“3,500 seen = 12 new + 4 changed + 3,484 unchanged; 2 gone”. Nothing where nothing was counted."""
    said = [_equation_sentence(key, counts) for key in _wholes(counts)]
    said += [phrase(key, counts[key]) for key in _beside(counts)]
    return "; ".join(said)


def phrase(key: str, number: int) -> str:
    """“12 new”: one count with its name."""
    written = _written(number)
    return _PHRASES[key](number) % {"n": written} if key in _PHRASES else f"{written} {key}"


def adds_up(counts: Mapping[str, int]) -> bool:
    """Whether what was seen is the sum of its parts."""
    return all(counts[key] == sum(counts.get(part, 0) for part in WHOLES[key]) for key in _wholes(counts))


def whole(counts: Mapping[str, int]) -> Count | None:
    """What was seen; nothing where a run does not look at items."""
    key = next(_wholes(counts), None)
    return _count(key, counts[key]) if key else None


def parts(counts: Mapping[str, int]) -> list[Count]:
    """Into what the seen are divided; all parts, also the empty ones."""
    key = next(_wholes(counts), None)
    return [_count(part, counts.get(part, 0)) for part in WHOLES[key]] if key else []


def _wholes(counts: Mapping[str, int]) -> Iterator[str]:
    return (key for key in WHOLES if key in counts)


def beside(counts: Mapping[str, int]) -> list[Count]:
    """What else was counted, without the equation and without nothing."""
    return [_count(key, counts[key]) for key in ("pages", *_beside(counts)) if counts.get(key)]


def _equation_sentence(key: str, counts: Mapping[str, int]) -> str:
    if not counts[key]:
        return _("nothing seen")
    seen = phrase(key, counts[key])
    filled = [phrase(part, counts[part]) for part in WHOLES[key] if counts.get(part)]
    if not filled:
        return seen
    if adds_up(counts):
        return f"{seen} = {' + '.join(filled)}"
    return _("%(seen)s, %(parts)s (does not add up)") % {"seen": seen, "parts": ", ".join(filled)}


def _beside(counts: Mapping[str, int]) -> Iterable[str]:
    """The keys of what is said behind the equation: what is not nothing, in the order of the phrases."""
    inside = {"pages"}.union(*((key, *WHOLES[key]) for key in _wholes(counts)))
    known = [key for key in _PHRASES if key not in inside and counts.get(key)]
    return known + sorted(key for key in counts if key not in _PHRASES and counts[key])


def _count(key: str, number: int) -> Count:
    return Count(number, phrase(key, number).removeprefix(_written(number)).strip())


def _written(number: int) -> str:
    return str(number_format(number, use_l10n=True, force_grouping=True))
