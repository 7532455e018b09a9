"""A fault of our own stops one order only; in tests it must not pass unnoticed."""

import sys
from collections.abc import Iterator

import pytest

from orders import faults


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
