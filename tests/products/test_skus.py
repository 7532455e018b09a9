"""What is right and wrong about SKUs and EANs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from products import skus


@pytest.mark.parametrize(
    ("one", "other"), [("AB1", "ab1"), ("AB 1", "AB1"), ("AB1\u00a0", "AB1"), ("straße", "STRASSE"), ("ＡＢ1", "AB1")]
)
def test_twins_fold_alike(one: str, other: str) -> None:
    assert skus.fold(one) == skus.fold(other)


def test_different_skus_stay_different() -> None:
    assert skus.fold("AB-1") != skus.fold("AB1")


@given(st.text())
def test_folding_twice_is_folding_once(text: str) -> None:
    assert skus.fold(skus.fold(text)) == skus.fold(text)


@pytest.mark.parametrize(
    ("sku", "signs"),
    [
        ("AB-1.x_2", ""),
        ("A/B", "/"),
        ("A\\B", "\\"),
        ("A\tB", "\t"),
        ("A\u200bB", "\u200b"),
        ("A\ufffd", "\ufffd"),
        ("Å 1", ""),
    ],
)
def test_what_a_warehouse_cannot_keep_is_named(sku: str, signs: str) -> None:
    assert skus.forbidden_characters(sku) == signs


@pytest.mark.parametrize("ean", ["7300000010423", "96385074", "036000291452", "10614141000415"])
def test_real_numbers_pass(ean: str) -> None:
    assert skus.is_ean(ean)


@pytest.mark.parametrize(
    "text", ["7300000010429", "730000001042", "", "73000000-0428", "٧٣٠٠٠٠٠٠١٠٤٢٨", " 7300000010423"]
)
def test_wrong_numbers_do_not(text: str) -> None:
    assert not skus.is_ean(text)
