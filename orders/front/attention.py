"""What needs a person: why something waits, grouped by cause, each with the one link that mends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from integrations.models import Tone
from merchants.models import Merchant
from merchants.templatetags.portal import duration
from orders.front.addresses import order_list, to
from orders.front.completeness import Equation
from orders.front.counts import Counted, Tally
from orders.front.facts import ANSWERS_READ, Answer
from orders.front.holds import Group, by_itself, effect, mend, why, with_rest
from orders.front.shops import Shop
from orders.models import Cause, Status
from orders.models.hold import OF_THE_SHOP
from products.models import Tab
from products.problems import Code

CAUSES_SHOWN = 8  # per shop; what is beyond is one more line
GROUPS_SHOWN = 12
MANY, LONG = 5, timedelta(days=1)  # from here on a cause is grave
GRAVE = (Cause.CAPTURE, Cause.REFUSED)
ANSWERS_SHOWN = ANSWERS_READ - 1


@dataclass(frozen=True, slots=True)
class Attention:
    """One cause for which something waits, and the one link that mends it; what holds up no order `is_small`."""

    tone: Tone
    title: str
    text: str
    url: str
    action: str
    is_small: bool = False


def look(
    merchant: Merchant,
    shops: list[Shop],
    equations: list[Equation],
    groups: list[Group],
    counted: Counted,
    answers: list[Answer],
    now: datetime,
) -> list[Attention]:
    """Everything that waits for a person, the gravest first."""
    found = [
        *_shops_in_trouble(merchant, shops),
        *_lost(equations),
        *_asked(merchant, counted.asks),
        *_holds(merchant, groups, now),
        *_braked(merchant, shops, now),
        *_answers(merchant, answers),
        *_problems(merchant, shops),
        *_drafts(merchant, counted.tally[Status.DRAFT], now),
        *_of_the_shops(merchant, groups, now),
    ]
    return sorted(found, key=lambda one: one.tone != Tone.BAD)


def _shops_in_trouble(merchant: Merchant, shops: list[Shop]) -> list[Attention]:
    return [
        Attention(
            shop.health.tone,
            f"{shop.integration.label}: {shop.health.word}",
            shop.health.sentence,
            to("integrations:edit", merchant.pk, shop.integration.pk),
            _("Open integration"),
        )
        for shop in shops
        if shop.health.tone in (Tone.BAD, Tone.WAIT)
    ]


def _lost(equations: list[Equation]) -> list[Attention]:
    """The alarm: orders that were seen once and are nowhere."""
    return [
        Attention(
            Tone.BAD,
            _("%(shop)s: the orders do not add up") % {"shop": one.integration.label},
            _("Something the shop once showed is neither here nor left for a reason. The activity names the orders."),
            to("integrations:edit", one.integration.merchant_id, one.integration.pk) + "#activity",
            _("See the activity"),
        )
        for one in equations
        if not one.adds_up
    ]


def _asked(merchant: Merchant, numbers: Mapping[str, int]) -> list[Attention]:
    """What only the merchant can answer of orders that are handed over, or were paid: one line for each question."""
    return [
        Attention(Tone.BAD, title % {"n": numbers[key]}, text, order_list(merchant.pk, asks=key), _see(numbers[key]))
        for key, (title, text) in _questions(numbers).items()
        if numbers[key]
    ]


def _questions(numbers: Mapping[str, int]) -> dict[str, tuple[str, str]]:
    return {
        "refund": (
            ngettext("%(n)d paid order must be refunded", "%(n)d paid orders must be refunded", numbers["refund"]),
            _("Refund it in Centra, then tick it off on the order."),
        ),
        "short": (
            ngettext("%(n)d order: fewer pieces were found", "%(n)d orders: fewer pieces were found", numbers["short"]),
            _("It is paid, so you decide: wait, or send what is there."),
        ),
        "unpaid": (
            ngettext("%(n)d order is sent, and not paid", "%(n)d orders are sent, and not paid", numbers["unpaid"]),
            _("The shop refused the payment. Try the capture again on the order."),
        ),
        "untold": (
            ngettext(
                "%(n)d order is sent, and the shop does not take it",
                "%(n)d orders are sent, and the shop does not take it",
                numbers["untold"],
            ),
            _("The order says what the shop answered; it is tried again by itself."),
        ),
    }


def _see(number: int) -> str:
    return ngettext("See it", "See them", number)


# --- holds ---------------------------------------------------------------------------------


def _holds(merchant: Merchant, groups: list[Group], now: datetime) -> list[Attention]:
    """What somebody here can mend; the most frequent causes, then one line for the rest."""
    ours = [group for group in groups if group.cause not in OF_THE_SHOP]
    found = [_hold(merchant, group, now) for group in ours[:GROUPS_SHOWN]]
    if ours[GROUPS_SHOWN:]:
        url = order_list(merchant.pk, status="waiting")
        found.append(Attention(Tone.WAIT, _("Further orders wait, for other reasons"), "", url, _("See all")))
    return found


def _hold(merchant: Merchant, group: Group, now: datetime) -> Attention:
    title = ngettext("%(n)d order waits: %(why)s", "%(n)d orders wait: %(why)s", group.number)
    is_grave = group.cause in GRAVE or group.number >= MANY or now - group.oldest >= LONG
    url, action = mend(merchant, group)
    return Attention(
        Tone.BAD if is_grave else Tone.WAIT,
        title % {"n": group.number, "why": why(group)},
        f"{_since(group, now)} {effect(group)}".strip(),
        url,
        action,
    )


def _since(group: Group, now: datetime) -> str:
    return _("Oldest %(age)s.") % {"age": duration(now - group.oldest)}


def _of_the_shops(merchant: Merchant, groups: list[Group], now: datetime) -> list[Attention]:
    """What only the shop can let go: said calmly, one line per cause."""
    numbers: Counter[Cause] = Counter()
    alone: Counter[Cause] = Counter()
    oldest: dict[Cause, datetime] = {}
    for group in groups:
        if group.cause in OF_THE_SHOP:
            numbers[group.cause] += group.number
            alone[group.cause] += group.alone
            oldest[group.cause] = min(group.oldest, oldest.get(group.cause, group.oldest))
    return [
        Attention(
            Tone.NONE,
            ngettext("%(n)d order waits: %(why)s", "%(n)d orders wait: %(why)s", number)
            % {"n": number, "why": cause.label},
            f"{_('Oldest %(age)s.') % {'age': duration(now - oldest[cause])}} "
            + with_rest(by_itself(cause, number), number, alone[cause]),
            order_list(merchant.pk, status=Status.RESERVED.value, cause=cause.value),
            _see(number),
        )
        for cause, number in numbers.most_common()
    ]


def _drafts(merchant: Merchant, tally: Tally, now: datetime) -> list[Attention]:
    """What was opened for editing or begun by hand goes nowhere by itself, also where a customer has paid for it."""
    if tally.oldest is None:
        return []
    title = ngettext("%(n)d order is a DRAFT", "%(n)d orders are DRAFT", tally.number) % {"n": tally.number}
    effect = ngettext(
        "It holds no pieces, and is not sent before somebody saves it as NEW.",
        "They hold no pieces, and are not sent before somebody saves them as NEW.",
        tally.number,
    )
    age = now - tally.oldest
    text = f"{_('Oldest %(age)s.') % {'age': duration(age)}} {effect}"
    url = order_list(merchant.pk, status=Status.DRAFT.value)
    return [Attention(Tone.WAIT if age >= LONG else Tone.NONE, title, text, url, _see(tally.number))]


# --- the rest ------------------------------------------------------------------------------


def _braked(merchant: Merchant, shops: list[Shop], now: datetime) -> list[Attention]:
    found = []
    for shop in shops:
        if number := shop.figures.braked:
            title = ngettext(
                "%(n)d item would become zero in %(shop)s", "%(n)d items would become zero in %(shop)s", number
            )
            since = shop.figures.braked_since or now
            found.append(
                Attention(
                    Tone.BAD,
                    title % {"n": number, "shop": shop.integration.label},
                    _("Waiting %(age)s for you to say that this is right; all else is told.")
                    % {"age": duration(now - since)},
                    to("products:shop_stock", merchant.pk, shop.integration.pk),
                    _("Look at them"),
                )
            )
    return found


def _answers(merchant: Merchant, answers: list[Answer]) -> list[Attention]:
    """What the warehouse answered about shipping methods in the last days."""
    url = to("shipping:list", merchant.pk)
    found = []
    for answer in answers[:ANSWERS_SHOWN]:
        title = _("%(method)s is active") if answer.is_active else _("%(method)s was declined")
        tone = Tone.GOOD if answer.is_active else Tone.WAIT
        method = f"{answer.carrier} {answer.service}"
        found.append(Attention(tone, title % {"method": method}, answer.said, url, _("Shipping methods")))
    if answers[ANSWERS_SHOWN:]:
        title = _("Further shipping methods were answered")
        found.append(Attention(Tone.NONE, title, "", url, _("Shipping methods")))
    return found


def _problems(merchant: Merchant, shops: list[Shop]) -> list[Attention]:
    """Items with an SKU problem, grouped by cause and shop; the most frequent causes, then one line for the rest."""
    found = []
    for shop in shops:
        mine = shop.causes.most_common()
        found += [_items_wait(shop, number, code) for code, number in mine[:CAUSES_SHOWN]]
        if mine[CAUSES_SHOWN:]:
            title = _("Further items wait, for other problems")
            found.append(_small(shop, title, shop.address(Tab.PROBLEMS), _("See all")))
    return found


def _items_wait(shop: Shop, number: int, code: Code) -> Attention:
    title = ngettext("%(n)d item waits: %(what)s", "%(n)d items wait: %(what)s", number)
    url = f"{shop.address(Tab.PROBLEMS)}&problem={code.value}"
    return _small(shop, title % {"n": number, "what": code.label}, url, _see(number))


def _small(shop: Shop, title: str, url: str, action: str) -> Attention:
    text = _("In %(shop)s. The page says where to mend each.") % {"shop": shop.integration.label}
    return Attention(Tone.WAIT, title, text, url, action, is_small=True)
