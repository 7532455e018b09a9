"""What a shop's words for shipping mean: the one link that fits best, or the only active method.

    Ingrid's word before the shop's own (it says more), exact before wildcard, countries before everywhere,
    longer wildcard text before shorter, then the older link

Only links to methods that are active in the integration's warehouse count. Pure; reading is `Resolver`'s.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django_countries import countries as country_names

from integrations.models import Integration
from shipping.models import MerchantMethod, MethodLink, ShippingMethod, ShopMethod, fold


@dataclass(frozen=True, slots=True)
class Words:
    """What an order says about shipping. `country` is an ISO 3166 alpha-2 code, `""` where it is unknown."""

    value: str
    ingrid: str = ""
    country: str = ""


@dataclass(frozen=True, slots=True)
class Resolved:
    """The method, or None; `why` is a sentence for the order's page; `link` where one decided."""

    method: ShippingMethod | None
    why: str
    link: MethodLink | None = None


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a word means in some countries; in all others where there are none."""

    countries: tuple[str, ...]
    resolved: Resolved


def matches(pattern: str, word: str) -> bool:
    """Whether a folded value with `*` for any text covers a folded word. Linear, whatever a person types."""
    first, *rest = pattern.split("*")
    if not rest:
        return pattern == word
    *middle, last = rest
    if len(word) < len(first) + len(last) or not word.startswith(first) or not word.endswith(last):
        return False
    place, end = len(first), len(word) - len(last)
    for part in middle:
        found = word.find(part, place, end)
        if found < 0:
            return False
        place = found + len(part)
    return True


def resolve(words: Words, links: Iterable[MethodLink], active: Sequence[MerchantMethod]) -> Resolved:
    """The method that these words mean. `active` are the merchant's active methods of the warehouse."""
    usable = {row.pk: row for row in active}
    known = list(links)
    if found := min(_fitting(words, known, usable), default=None, key=lambda pair: pair[0]):
        link = found[1]
        return Resolved(usable[link.method_id].method, _why(words, link), link)
    if not known and len(active) == 1:
        return Resolved(active[0].method, _("The only active method, and no word is linked."))
    return Resolved(None, _why_not(words, known, active))


Rank = tuple[bool, bool, bool, int, int]


def _fitting(
    words: Words, links: Iterable[MethodLink], usable: dict[int, MerchantMethod]
) -> Iterable[tuple[Rank, MethodLink]]:
    """The links that cover the words, each with its rank; the smallest goes first."""
    value, ingrid = fold(words.value), fold(words.ingrid)
    for link in links:
        if link.method_id not in usable or (link.countries and words.country not in link.countries):
            continue
        by_ingrid = bool(ingrid) and matches(link.value_folded, ingrid)
        if by_ingrid or matches(link.value_folded, value):
            yield _rank(link, by_ingrid), link


def _rank(link: MethodLink, by_ingrid: bool) -> Rank:
    text = link.value_folded.replace("*", "")
    # `*` alone covers whatever anybody says, so it tells nothing about Ingrid's word.
    return (not (by_ingrid and text), link.is_wildcard, not link.countries, -len(text), link.pk or sys.maxsize)


def _why(words: Words, link: MethodLink) -> str:
    facts = {"said": _said(words, link), "who": link.linked_by, "day": _day(link)}
    if link.linked_by:
        return _("%(said)s; linked by %(who)s on %(day)s.") % facts
    return _("%(said)s; linked on %(day)s.") % facts


def _said(words: Words, link: MethodLink) -> str:
    is_ingrid = bool(words.ingrid.strip()) and matches(link.value_folded, fold(words.ingrid))
    word = (words.ingrid if is_ingrid else words.value).strip()
    facts = {"word": word, "link": link.value, "where": named(link.countries)}
    if not word:
        said = _("The shop named no method")
    elif is_ingrid:
        said = _("Ingrid said “%(word)s”") % facts
    else:
        said = _("The shop said “%(word)s”") % facts
    if link.is_wildcard:
        said = _("%(said)s, which “%(link)s” covers") % {**facts, "said": said}
    return _("%(said)s, for %(where)s") % {**facts, "said": said} if link.countries else said


def _day(link: MethodLink) -> str:
    return date_format(timezone.localtime(link.linked_at), "j M")


def _why_not(words: Words, links: Sequence[MethodLink], active: Sequence[MerchantMethod]) -> str:
    if not active:
        return _("No shipping method is active in this warehouse.")
    word = words.ingrid.strip() or words.value.strip()
    if word:
        return _("“%(word)s” is not linked to an active shipping method.") % {"word": word}
    return _("The shop named no shipping method.")


def named(codes: Iterable[str]) -> str:
    """Countries by their names, as in “Norway, Sweden”."""
    return ", ".join(sorted(country_names.name(code) or code for code in codes))


class Resolver:
    """The links and active methods of one integration, read once, for any number of orders."""

    def __init__(self, links: Iterable[MethodLink], active: Iterable[MerchantMethod]) -> None:
        self.links = list(links)
        self.active = list(active)

    @classmethod
    def for_integration(cls, integration: Integration) -> Resolver:
        links = integration.method_links.select_related("method__method__carrier")
        return cls(links, MerchantMethod.objects.usable_with(integration).with_methods())

    def resolve(self, shop_method: str, ingrid_method: str = "", country: str = "") -> Resolved:
        return resolve(Words(shop_method, ingrid_method, country), self.links, self.active)

    def with_link(self, link: MethodLink) -> Resolver:
        """As if this link stood, in place of the one whose key it has."""
        return Resolver([*self._but(link), link], self.active)

    def without(self, link: MethodLink) -> Resolver:
        """As if this link did not stand."""
        return Resolver(self._but(link), self.active)

    def _but(self, link: MethodLink) -> list[MethodLink]:
        return [one for one in self.links if one.pk != link.pk or one.pk is None]

    def meanings(self, word: ShopMethod) -> list[Meaning]:
        """What this word means by itself: everywhere, then where some country has a link of its own."""
        by_country: dict[int | None, list[str]] = {}
        anywhere = self._meaning(word, "")
        found: dict[int | None, Resolved] = {}
        for code in sorted({code for link in self.links for code in link.countries}):
            there = self._meaning(word, code)
            if there.link is not None and there.link != anywhere.link:
                found[there.link.pk] = there
                by_country.setdefault(there.link.pk, []).append(code)
        return [Meaning((), anywhere), *(Meaning(tuple(by_country[pk]), one) for pk, one in found.items())]

    def _meaning(self, word: ShopMethod, country: str) -> Resolved:
        is_ingrid = word.kind == ShopMethod.Kind.INGRID
        return self.resolve("", word.value, country) if is_ingrid else self.resolve(word.value, "", country)
