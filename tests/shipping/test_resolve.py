"""What a shop's words mean: a table of who goes before whom, without a database; and one integration's, with it."""

import pytest

from integrations.models import Integration
from merchants.models import Merchant
from shipping.models import Carrier, MerchantMethod, MethodLink, ShippingMethod, fold
from shipping.resolve import Resolved, Resolver, Words, matches, resolve
from tests import factories
from tests.shipping import things
from tests.shipping.things import NOON

STATE = MerchantMethod.State.ACTIVE
METHODS = {
    pk: MerchantMethod(pk=pk, method=ShippingMethod(pk=pk, carrier=Carrier(name="PostNord"), service=name), state=STATE)
    for pk, name in ((1, "Collect"), (2, "Home"), (3, "Varubrev"))
}
ALL = list(METHODS.values())


def to(method: int, value: str, *countries: str, pk: int = 1, who: str = "Kim") -> MethodLink:
    given = {"pk": pk, "value": value, "value_folded": fold(value), "linked_by": who, "linked_at": NOON}
    return MethodLink(method_id=method, countries=list(countries), **given)


def meant(words: Words, *links: MethodLink, active: list[MerchantMethod] = ALL) -> Resolved:
    """The same answer whatever the order of the links."""
    there, back = resolve(words, links, active), resolve(words, links[::-1], active)
    assert there == back
    return there


def service(found: Resolved) -> str | None:
    return found.method.service if found.method else None


@pytest.mark.parametrize(
    ("pattern", "word", "fits"),
    [
        ("standard", "standard", True),
        ("standard", "standard plus", False),
        ("stan*", "standard", True),
        ("stan*", "stan", True),
        ("stan*", "a stan", False),
        ("*express", "dhl express", True),
        ("*express", "express dhl", False),
        ("dhl*home*", "dhl se home delivery", True),
        ("dhl*home*", "home dhl", False),
        ("ab*ba", "aba", False),
        ("*a*b*", "b a", False),
        ("*", "", True),
        ("*", "anything", True),
        ("a.c", "abc", False),
        ("*" * 100 + "x", "y" * 200, False),
    ],
)
def test_a_star_stands_for_any_text_and_nothing_else_is_special(pattern: str, word: str, fits: bool) -> None:
    assert matches(pattern, word) is fits


@pytest.mark.parametrize("said", ["standard", " STANDARD ", "Standard\n"])
def test_case_and_outer_blanks_do_not_count(said: str) -> None:
    assert service(meant(Words(said), to(1, " Standard "))) == "Collect"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (to(1, "standard", pk=9), to(2, "stan*", pk=1)),
        (to(1, "standard", pk=9), to(2, "stan*", "SE", pk=1)),
        (to(1, "standard", "SE", pk=9), to(2, "standard", pk=1)),
        (to(1, "stan*", "SE", pk=9), to(2, "standar*", pk=1)),
        (to(1, "standar*", pk=9), to(2, "stan*", pk=1)),
        (to(1, "s*rd*", pk=9), to(2, "s**", pk=1)),
        (to(1, "standard", pk=1), to(2, "STANDARD", pk=9)),
        (to(1, "xyz*", pk=9), to(2, "standard", "SE", pk=1)),
        (to(1, "xyz-mypack", pk=9), to(2, "xyz*", pk=1)),
        (to(1, "standard", pk=9), to(2, "*", pk=1)),
    ],
    ids=[
        "exact before wildcard",
        "exact before a wildcard with a country",
        "country before everywhere",
        "country before more text",
        "more text before less",
        "stars are no text",
        "the older link",
        "Ingrid's word before the shop's",
        "exact before wildcard for Ingrid's word",
        "a star alone does not count as Ingrid's",
    ],
)
def test_the_more_specific_link_wins(first: MethodLink, second: MethodLink) -> None:
    found = meant(Words("standard", "xyz-mypack", "SE"), first, second)
    assert found.link == first
    assert service(found) == "Collect"


def test_a_link_for_some_countries_counts_there_only() -> None:
    links = to(1, "standard", "SE", "NO", pk=1), to(2, "standard", pk=2)
    assert service(meant(Words("standard", country="NO"), *links)) == "Collect"
    assert service(meant(Words("standard", country="FI"), *links)) == "Home"
    assert service(meant(Words("standard"), *links)) == "Home"
    assert service(meant(Words("standard", country="FI"), links[0])) is None


def test_a_link_to_a_method_that_is_not_active_does_not_count() -> None:
    links = to(1, "standard", pk=1), to(2, "*", pk=2)
    assert service(meant(Words("standard"), *links, active=ALL[1:])) == "Home"
    assert service(meant(Words("standard"), links[0], active=ALL[1:])) is None


def test_the_only_active_method_is_the_default_while_there_is_no_link_at_all() -> None:
    found = meant(Words("standard"), active=ALL[:1])
    assert service(found) == "Collect"
    assert found.link is None
    assert "only active method" in found.why
    assert service(meant(Words("standard"), active=ALL[:2])) is None
    assert service(meant(Words("standard"), active=[])) is None
    assert service(meant(Words("standard"), to(1, "express"), active=ALL[:1])) is None


@pytest.mark.parametrize(
    ("words", "link", "why"),
    [
        (Words("standard"), to(1, "Standard"), "The shop said “standard”; linked by Kim on 12 Nov."),
        (Words("standard"), to(1, "standard", who=""), "The shop said “standard”; linked on 12 Nov."),
        (
            Words("standard", country="SE"),
            to(1, "stan*", "SE", "NO"),
            "The shop said “standard”, which “stan*” covers, for Norway, Sweden; linked by Kim on 12 Nov.",
        ),
        (Words("a", "xyz"), to(1, "xyz"), "Ingrid said “xyz”; linked by Kim on 12 Nov."),
        (Words(""), to(1, "*"), "The shop named no method, which “*” covers; linked by Kim on 12 Nov."),
        (Words("express"), to(1, "standard"), "“express” is not linked to an active shipping method."),
        (Words("express", "xyz"), to(1, "standard"), "“xyz” is not linked to an active shipping method."),
        (Words(" "), to(1, "standard"), "The shop named no shipping method."),
    ],
)
def test_the_reason_is_a_sentence(words: Words, link: MethodLink, why: str) -> None:
    assert resolve(words, [link], ALL).why == why


def test_without_an_active_method_that_is_the_reason() -> None:
    assert resolve(Words("standard"), [], []).why == "No shipping method is active in this warehouse."


# --- with the database ---------------------------------------------------------------------


@pytest.fixture
def shop(merchant: Merchant) -> Integration:
    return factories.integration(merchant)


def test_only_active_methods_of_the_merchant_in_the_warehouse_count(shop: Integration, merchant: Merchant) -> None:
    elsewhere = factories.warehouse()
    merchant.warehouses.add(elsewhere)
    things.active(merchant, "Far", warehouse=elsewhere)
    things.active(merchant, "Asked", state="requested")
    things.active(merchant, "Declined", state="declined")
    things.active(factories.merchant(), "Foreign", warehouse=shop.warehouse)
    assert Resolver.for_integration(shop).resolve("standard").method is None
    usable = things.active(merchant, "Collect")
    assert Resolver.for_integration(shop).resolve("standard").method == usable.method


def test_one_integration_is_read_once_for_any_number_of_orders(
    shop: Integration, merchant: Merchant, django_assert_num_queries: object
) -> None:
    things.link(shop, "standard", things.active(merchant))
    things.link(shop, "exp*", things.active(merchant), "SE")
    with django_assert_num_queries(2):  # type: ignore[operator]
        resolver = Resolver.for_integration(shop)
        labels = {resolver.resolve(word, "", "SE").method.label for word in ("standard", "express")}  # type: ignore[union-attr]
    assert len(labels) == 2


def test_links_of_another_integration_do_not_count(shop: Integration, merchant: Merchant) -> None:
    other = factories.integration(merchant, name="Fjord")
    things.link(other, "standard", things.active(merchant))
    things.active(merchant)
    assert Resolver.for_integration(shop).resolve("standard").method is None


def test_the_meanings_of_a_word_name_the_countries_with_a_link_of_their_own(
    shop: Integration, merchant: Merchant
) -> None:
    collect, home = things.active(merchant, "Collect"), things.active(merchant, "Home")
    things.link(shop, "standard", collect)
    things.link(shop, "stan*", home, "NO", "SE")
    things.link(shop, "standard", home, "DK", "FI")
    found = Resolver.for_integration(shop).meanings(things.word(shop, "Standard"))
    assert [(one.countries, one.resolved.method) for one in found] == [
        ((), collect.method),
        (("DK", "FI"), home.method),
    ]
