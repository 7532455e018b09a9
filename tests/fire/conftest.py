"""A small town for the proofs about the proof: four shops with an order each, sent and told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import cast

import pytest

from tests.fire import plan, report, storm, truth
from tests.fire.engines import Engines
from tests.fire.plan import Act
from tests.fire.town import Town, build
from tests.fire.visits import Visits
from tests.orders.machine_hosts import listening_everywhere


@pytest.fixture
def towns(transactional_db: None) -> Iterator[list[Town]]:
    """The four shops with an order each, sent and told; run in this process, without any fault."""
    with listening_everywhere() as port:
        towns = build(port, further=0)
        for number, town in enumerate(towns):
            more = {"lines": [[0, 2], [1, 1]], "confirm": True, "owes": False}
            town.purchase(Act(0, "shopper", "buy", number, number, more))
        for town in towns:
            town.run("intake")
        for _round in range(2):
            for town in towns:
                town.work(is_last=True)
                town.run("hand-over")
        for town in towns:
            town.settle()
        yield towns


def visits_to(towns: list[Town]) -> Visits:
    """People at browsers, of the portal that this process serves."""
    return Visits(towns, towns[0].origin.replace("127.0.0.11", "127.0.0.1"))


def burnt(visits: Visits) -> report.Result:
    """Of a storm in which nothing happened but these visits."""
    quiet = storm.Storm(plan.draw(1, 30, 10), visits.towns, cast("Engines", None), visits)
    return report.Result(quiet, truth.look(visits.towns), [], {}, 1.0, 1.0, "15", "7", "", "")
