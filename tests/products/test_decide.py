"""What a page of the catalogue means, without network or database."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.connectors.base import Faulty, Page, ProductData
from products.decide import Known, clean, columns, decide, digest, fitting, ready, tidy

SWEATER = ProductData("9101", "FG1042", "-NVY", "-M", ean="7300000010423", name="Harbour sweater", price=Decimal("800"))


def known(item: ProductData, **fields: object) -> dict[str, Known]:
    return {item.external_id: Known(**{"pk": 1, "digest": digest(item), "seen_in": "", "is_gone": False, **fields})}  # type: ignore[arg-type]


def test_an_unknown_item_is_new() -> None:
    assert decide([ready(SWEATER)], {}, "pass").new == [ready(SWEATER)]


def test_an_item_as_it_was_is_only_seen() -> None:
    decision = decide([ready(SWEATER)], known(SWEATER), "pass")
    assert (decision.unchanged, decision.seen) == ([1], 1)


@pytest.mark.parametrize(
    "change", [{"name": "Harbor sweater"}, {"sku_size": "-L"}, {"price": Decimal("640")}, {"is_active": False}]
)
def test_any_difference_is_a_change(change: dict[str, object]) -> None:
    changed = ready(replace(SWEATER, **change))  # type: ignore[arg-type]
    assert decide([changed], known(SWEATER), "pass").changed == [changed]


def test_an_item_shown_twice_in_a_pass_is_counted_once() -> None:
    decision = decide([ready(SWEATER)], known(SWEATER, seen_in="pass"), "pass")
    assert (decision.seen, decision.repeated) == (0, 1)


def test_a_gone_item_that_shows_again_is_back() -> None:
    decision = decide([ready(SWEATER)], known(SWEATER, is_gone=True), "pass")
    assert (decision.back, decision.unchanged) == (["9101"], [1])


def test_parts_that_join_alike_are_different_items() -> None:
    other = replace(SWEATER, sku_product="FG104", sku_variant="2-NVY")
    assert other.sku == SWEATER.sku
    assert digest(other) != digest(SWEATER)


def test_what_cannot_be_stored_is_held_with_its_reason() -> None:
    endless = replace(SWEATER, external_id="9102", sku_product="X" * 700)
    kept, faulty = tidy(Page((SWEATER, endless), (Faulty("9103", "no size"),)))
    assert list(kept) == ["9101"]
    assert [row.external_id for row in faulty] == ["9103", "9102"]


@pytest.mark.parametrize(
    ("number", "kept"),
    [
        (None, None),
        (Decimal("1.005"), Decimal("1.00")),
        (Decimal("-1"), None),
        (Decimal("NaN"), None),
        (Decimal("1e30"), None),
        (Decimal("9999999999.99"), Decimal("9999999999.99")),
    ],
)
def test_numbers_fit_their_column_or_are_left_out(number: Decimal | None, kept: Decimal | None) -> None:
    assert fitting(number, "0.01", 10) == kept


@given(st.text(), st.text(max_size=40), st.text())
def test_whatever_the_shop_writes_fits_the_database(name: str, part: str, description: str) -> None:
    item = clean(replace(SWEATER, name=name, sku_variant=part, description=description))
    stored = columns(item)
    assert len(stored["name"]) <= 300
    assert all("\x00" not in str(value) for value in stored.values())
    assert stored["sku"] == item.sku_product + item.sku_variant + item.sku_size
