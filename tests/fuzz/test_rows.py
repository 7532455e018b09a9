"""Ten thousand different mutated rows: each is read, or set aside with a reason; nothing raises, twice is the same."""

from __future__ import annotations

import json

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.connectors.base import Page
from integrations.connectors.centra import mapping
from products import skus
from products.decide import SKU_LIMIT, columns, digest, tidy
from products.problems import own_problems
from tests.connectors.rows import row
from tests.connectors.test_mapping import READERS, texts
from tests.fuzz.mutate import Mutation

EXAMPLES, EACH = 60, 60  # for each of five kinds: 18,000 changed rows, of which no less than 10,000 are different
SEEN: set[bytes] = set()


def mutated(kind: str, number: int, rate: float) -> list[msgspec.Raw]:
    """So many mutated rows of a kind; what came out as it went in is drawn again and does not count."""
    good, seed = row(kind), number * EACH
    found: list[msgspec.Raw] = []
    as_it_was = json.dumps(good).encode()
    while len(found) < EACH:
        mutation, seed = Mutation(seed, rate), seed + 1
        content = mutation.content(mutation.of(good))
        if content != as_it_was:
            found.append(msgspec.Raw(content))
    return found


@pytest.mark.parametrize("kind", READERS)
def test_a_mutated_row_is_read_or_set_aside_with_its_reason(kind: str) -> None:
    """Counted by what is different, for many seeds change the same thing in the same way."""
    SEEN.clear()
    read_or_set_aside(kind)
    assert len(SEEN) * len(READERS) >= 10_000


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
@given(number=st.integers(0, 10**9), rate=st.sampled_from([0.01, 0.03, 0.08, 0.3]))
def read_or_set_aside(kind: str, number: int, rate: float) -> None:
    read, id_field = READERS[kind]
    for one in mutated(kind, number, rate):
        SEEN.add(bytes(one))
        items, faulty = mapping.read_rows([one], read, id_field)
        assert len(items) + len(faulty) == 1
        assert all(str(row.reason).strip() for row in faulty)
        assert mapping.read_rows([one], read, id_field) == (items, faulty)
        for text in texts([items, faulty]):
            assert "\0" not in text
            text.encode()


@settings(max_examples=EXAMPLES, deadline=None, derandomize=True, database=None)
@given(number=st.integers(0, 10**9), rate=st.sampled_from([0.03, 0.08, 0.3]))
def test_whatever_was_read_of_a_product_fits_its_columns(number: int, rate: float) -> None:
    items, faulty = mapping.read_rows(mutated("product", number, rate), mapping.product, "stockItemId")
    kept, left = tidy(Page(items, faulty))
    assert len({item.external_id for item in items}) <= len(kept) + len(left)
    for item in kept.values():
        assert 0 < len(item.external_id) <= 64
        assert len(item.sku) <= SKU_LIMIT
        assert item.sku == item.sku_product + item.sku_variant + item.sku_size
        assert len(columns(item)["sku_folded"]) <= skus.FOLDED
        assert digest(item) == digest(item)
        json.dumps([problem.dump() for problem in own_problems(item)]).encode()


PART = st.text(st.sampled_from("Aa1-. /\\\0\u200b\u0301Åßİ９"), max_size=6) | st.text(max_size=4)


@settings(max_examples=2000, deadline=None, derandomize=True, database=None)
@given(parts=st.tuples(PART, PART, PART))
def test_a_sku_is_its_parts_joined_and_what_is_wrong_with_it_is_named(parts: tuple[str, str, str]) -> None:
    names = dict(zip(("sku", "variantSku", "sizeSku"), parts, strict=True))
    raw = msgspec.Raw(json.dumps(row("product", **names)).encode())
    items, faulty = mapping.read_rows([raw], mapping.product, "stockItemId")
    kept, _left = tidy(Page(items, faulty))
    for item in kept.values():
        assert item.sku == "".join((item.sku_product, item.sku_variant, item.sku_size))
        signs = skus.forbidden_characters(item.sku)
        codes = {problem.code for problem in own_problems(item)}
        assert ("sign" in codes) == bool(signs)
        assert ("no_sku" in codes) == (not item.sku.strip())
        assert skus.fold(skus.fold(item.sku)) == skus.fold(item.sku)
    if all(part.isprintable() for part in parts):
        assert [item.sku for item in items] == ["".join(parts)]


@pytest.mark.parametrize("kind", READERS)
def test_every_row_is_another_than_the_good_one(kind: str) -> None:
    good = json.dumps(row(kind)).encode()
    assert EXAMPLES * EACH * len(READERS) >= 10_000
    assert all(bytes(one) != good for rate in (0.01, 0.3) for one in mutated(kind, 3, rate))


def test_the_rows_are_the_same_in_every_run() -> None:
    assert mutated("order", 5, 0.08) == mutated("order", 5, 0.08)
    assert mutated("order", 5, 0.08) != mutated("order", 6, 0.08)
