"""(d) Figures told to a shop, against posting as many figures, prepared beforehand, to the same shop."""

from __future__ import annotations

from django.utils import timezone

from bench import data
from bench.engine import Took
from bench.measures.a_full_refresh import grown
from bench.results import Results, Table, megabytes, number, percent, seconds
from bench.stage import Scale, Stage
from integrations.models import Integration

LIMIT = 1.5
SHARE = "the shop's work, of push / floor"
HOW = (
    f"Every item's figure has changed. The shop takes {Scale.THINK * 1000:.1f} ms for each figure, which is quick for "
    "one that writes it to a database of its own; it waits rather than works, so its time is not ours. The floor posts "
    "as many figures, 500 at a time and prepared beforehand, to the same shop: what the shop itself needs. Ours is "
    "everything else: finding what is due, the formula, the brake, the intent before each call, what came of it after."
)


def measure(stage: Stage, results: Results) -> None:
    head = ("figures", "push", "floor", "ratio", SHARE, "our time for 1,000 figures", "statements", "peak memory")
    table = Table("d", "Stock push", HOW, head)
    ours: list[Took] = []
    for items in stage.scale.items:
        shop = stage.stocked(items)
        make_due(shop)
        took = stage.run(shop, "stock")
        if took.counts.get("told") != items:
            raise RuntimeError(f"of {items} figures not all were told: {took.counts}")
        ours.append(took)
        floor = stage.engine.floor("post", stage.engine.shop.address(f"i{items}"), str(items))
        own = (took.seconds - took.taking) / items * 1000
        ratio, shares = took.seconds / floor.seconds, f"{percent(took.share)} / {percent(floor.share)}"
        times = [seconds(took.seconds), seconds(floor.seconds), f"{ratio:.2f}", shares, seconds(own)]
        table.rows.append([number(items), *times, number(took.queries), megabytes(took.peak)])
    results.tables.append(table)
    results.judge("d", f"stock push of {number(items)} changes", LIMIT, ratio, max(took.share, floor.share))
    results.grown.append(grown("d", "stock push", stage.scale.items, ours))


def make_due(shop: Integration) -> None:
    """Something else was told of every item; tonight's reading back is done."""
    data.tell_all(shop, 3)
    Integration.objects.filter(pk=shop.pk).update(sends_stock=True)
    state = shop.state("stock")
    state.remembers = {"read_back_at": timezone.now().isoformat()}
    state.save(update_fields=["remembers"])
