"""The shops that several measures share, each made when it is first wanted."""

from __future__ import annotations

from dataclasses import dataclass, field

from django.utils import timezone

from bench import data
from bench.engine import Engine, Took
from integrations.models import Integration


@dataclass(frozen=True, slots=True)
class Scale:
    """How much of everything, once and tenfold."""

    items: tuple[int, int]
    orders: tuple[int, int]
    shops: tuple[int, int]
    pages: tuple[tuple[int, int], tuple[int, int]]  # products and orders
    looks: int = 20  # at each page

    THINK = 0.0004  # seconds that the shop needs to take one figure, see `measures/d_stock_push.py`


SCALES = {
    "full": Scale((10_000, 100_000), (1_000, 10_000), (100, 1_000), ((10_000, 100_000), (100_000, 1_000_000)), 20),
    "small": Scale((1_000, 10_000), (100, 1_000), (20, 200), ((1_000, 10_000), (10_000, 100_000))),
    "tiny": Scale((100, 1_000), (10, 100), (2, 20), ((20, 200), (200, 2_000)), 1),
}


@dataclass
class Stage:
    """`refreshes` are what the first refresh of each size took."""

    engine: Engine
    scale: Scale
    refreshes: dict[int, Took] = field(default_factory=dict)
    _shops: dict[int, Integration] = field(default_factory=dict)
    _stocked: set[int] = field(default_factory=set)

    def refreshed(self, items: int) -> Integration:
        """A shop of so many items, read for the first time."""
        if items not in self._shops:
            shop = data.integration(data.merchant(f"R{items}"), self.engine.shop.address(f"i{items}"))
            self._shops[items] = shop
            self.refreshes[items] = self.run(shop, "refresh")
            data.analyze("products_webshopproduct")
        return self._shops[items]

    def stocked(self, items: int) -> Integration:
        """The same shop; of every item 40 pieces are on the shelf."""
        shop = self.refreshed(items)
        if items not in self._stocked:
            data.link_all(shop, 40)
            self._stocked.add(items)
        return shop

    def point(self, shop: Integration, name: str, host: str = "127.0.0.1") -> None:
        """Let it look at another of the bench's shops, on the same host."""
        Integration.objects.filter(pk=shop.pk).update(base_url=self.engine.shop.address(name, host))

    def run(self, shop: Integration, pipe: str) -> Took:
        """One piece of work of this pipe, wholly, as if a person had asked for it."""
        state = shop.state(pipe)
        state.ask(timezone.now(), "")
        return self.engine.work(pipe, state.pk)
