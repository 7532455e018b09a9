"""The desk where orders are collected and sent; and faults of our own, which in tests must not pass unnoticed."""

import sys
from collections.abc import Iterator

import pytest

from orders import faults
from tests.conftest import Centra
from tests.orders.desk import Desk


@pytest.fixture
def desk(centra: Centra) -> Desk:
    """Of a shop that writes down what it is asked."""
    centra.plugin.logs_calls = True
    centra.plugin.save()
    return Desk(centra)


@pytest.fixture(autouse=True)
def our_faults(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[BaseException]]:
    """What failed in our own code; a test that expects some asks for this list, of all others it is the end."""
    met: list[BaseException] = []

    def note(*_args: object) -> None:
        error = sys.exc_info()[1]
        assert error is not None
        met.append(error)

    monkeypatch.setattr(faults.log, "exception", note)
    yield met
    asked = getattr(request.function, "__code__", None)
    if met and not (asked and "our_faults" in asked.co_varnames):
        raise met[0]
