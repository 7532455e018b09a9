"""Is it the shop that is down, or does it break down on one thing alone?

A shop that is down is spared: the run ends and is tried again later. A shop that answers everything but one order must
not keep all others waiting for that one.
"""

from __future__ import annotations

from integrations.connectors.base import Connector
from integrations.connectors.errors import Rejected, Unavailable, Unreadable

BORNE = 5  # failures in one turn while the shop answers otherwise; more are the shop's
NOBODY = "0"  # an order that no shop has, to ask for where it matters only whether there is an answer


class Sparing:
    """One turn's failures. Each costs one call more: an order is asked for that nobody has."""

    def __init__(self, shop: Connector) -> None:
        self._shop = shop
        self._borne = 0

    def bears(self, error: Unavailable) -> bool:
        """Whether to go on with the next thing; not where the shop asked us to wait, nor where it gives no answer."""
        self._borne += 1
        return self._borne <= BORNE and error.retry_after is None and self._answers()

    def _answers(self) -> bool:
        try:
            self._shop.order(NOBODY)
        except Unavailable:
            return False
        except (Rejected, Unreadable):
            pass
        return True
