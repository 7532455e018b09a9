"""(d) Figures told to a shop, against posting as many figures, prepared beforehand, to the same shop."""

from __future__ import annotations

from django.utils import timezone

from bench import data
from bench.engine import MOST_SHARE, Took
from bench.measures.a_full_refresh import grown
from bench.results import Results, Table, Verdict, megabytes, number, percent, seconds
from bench.stage import Scale, Stage
from integrations.models import Integration

LIMIT = 1.5
SHARE = "waiting for the shop, of push / floor"
HOW = (
    f"Every item's figure has changed. The shop takes {Scale.THINK * 1000:.1f} ms for each figure. That number is an "
    "assumption: only Centra knows the right one. The shop waits so long rather than works, and the wait is most of "
    "the time on both sides, so the ratio says little without it. Therefore the table says also how long our own side "
    "takes, and from which time of the shop's on the target is met; with a quicker shop it is missed. The floor posts "
    "as many figures, 500 at a time and prepared beforehand, to the same shop. Ours is everything else: finding what "
    "is due, the formula, the brake, the intent before each call, what came of it after."
)
HEAD = (
    "figures", "push", "floor", "ratio", SHARE, "our own time for 1,000 figures",
    "the target is met where the shop takes at least, for 1,000 figures", "statements", "peak memory",
)  # fmt: skip


def measure(stage: Stage, results: Results) -> None:
    table = Table("d", "Stock push", HOW, HEAD)
    ours: list[Took] = []
    for items in stage.scale.items:
        shop = stage.stocked(items)
        make_due(shop)
        took = stage.run(shop, "stock")
        if took.counts.get("told") != items:
            raise RuntimeError(f"of {items} figures not all were told: {took.counts}")
        ours.append(took)
        floor = stage.engine.floor("post", stage.engine.shop.address(f"i{items}"), str(items))
        ratio, least = took.seconds / floor.seconds, break_even(took, floor) / items * 1000
        shares = f"{percent(took.taking / took.seconds)} / {percent(floor.taking / floor.seconds)}"
        own = (took.seconds - took.taking) / items * 1000
        times = [seconds(took.seconds), seconds(floor.seconds), f"{ratio:.2f}", shares, seconds(own), seconds(least)]
        table.rows.append([number(items), *times, number(took.queries), megabytes(took.peak)])
    stand_in = stage.engine.stand_in(min(stage.scale.items[0], 500)) * 1000
    table.how += (
        f" For comparison: the project's own stand-in for Centra, which does write to a database, took "
        f"{seconds(stand_in)} for 1,000 figures in this run, without the network."
    )
    results.tables.append(table)
    is_met = None if max(took.share, floor.share) >= MOST_SHARE else ratio <= LIMIT
    found = f"{ratio:.2f} with {seconds(Scale.THINK * 1000)} for 1,000 figures; met from {seconds(least)} on"
    results.verdicts.append(Verdict("d", f"stock push of {number(items)} changes", f"≤ {LIMIT:.1f}", found, is_met))
    results.grown.append(grown("d", "stock push", stage.scale.items, ours))


def break_even(took: Took, floor: Took) -> float:
    """Seconds that the shop must take for all figures so that the push takes `LIMIT` times as long as the floor."""
    ours, theirs = took.seconds - took.taking, floor.seconds - floor.taking
    return max(0.0, (ours - LIMIT * theirs) / (LIMIT - 1))


def make_due(shop: Integration) -> None:
    """Something else was told of every item; tonight's reading back is done."""
    data.tell_all(shop, 3)
    Integration.objects.filter(pk=shop.pk).update(sends_stock=True)
    state = shop.state("stock")
    state.remembers = {"read_back_at": timezone.now().isoformat()}
    state.save(update_fields=["remembers"])
