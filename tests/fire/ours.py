"""Faults of our own: runs that failed in our own code, and what the processes logged of it.

A storm cuts the database's connections, and whoever was using one fails for that reason and no other: no fault of ours.
A deadlock or a constraint is one, whatever class its exception has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from integrations import sync
from integrations.models import SyncRun
from orders import faults
from orders.models import Order
from tests.fire.town import Town

# How our code says that it failed: a run or one thing of many, a task, a page.
MARKS = re.compile(r"failed in our own code|raised unexpected|Internal Server Error|chosen items? failed")
BEGINS = re.compile(r"^\[?\d{4}-\d\d-\d\d[ T]\d\d:\d\d")  # a line of a log, not of a traceback
CUT = re.compile(
    r"terminating connection|server closed the connection|connection (is |already |has been )?(closed|lost|broken)"
    r"|the connection is closed|connection failed|consuming input failed|could not receive data"
)


def look(towns: list[Town], logs: Path | None = None) -> list[str]:
    """A sentence for each; `logs` is the folder of what the processes logged."""
    found = [what for town in towns for what in of_town(town)]
    files = sorted(logs.glob("*.log")) if logs else []
    return found + [f"{file.stem}: {what}" for file in files for what in in_log(file.read_text(errors="replace"))]


def of_town(town: Town) -> Iterator[str]:
    here, said = f"shop {town.number}", str(faults.TEXT)
    for run in SyncRun.objects.filter(integration=town.integration):
        if run.error == str(sync.OUR_FAULT):
            yield f"{here}: {run.pipe} failed in our own code at {run.ended_at}"
        if said in run.notes:
            yield f"{here}: {run.pipe} noted a fault of our own at {run.ended_at}"
    mine = Order.objects.filter(integration=town.integration)
    for field in ("handover_error", "tell_error", "holds__text"):
        for number in mine.filter(**{field: said}).values_list("number", flat=True):
            yield f"{here}: order {number} waits for a fault of our own"


def in_log(text: str) -> Iterator[str]:
    """The first line of each fault, and what it was."""
    for block in _blocks(text.splitlines()):
        is_lever = "/sandbox/" in block[0] and len(block) == 1  # the stand-in says 500 on purpose, without a traceback
        if MARKS.search(block[0]) and not is_lever and not CUT.search("\n".join(block)):
            yield f"{block[0][:200]} {block[-1][:200] if len(block) > 1 else ''}".strip()


def _blocks(lines: Iterable[str]) -> Iterator[list[str]]:
    """A line with the traceback below it."""
    block: list[str] = []
    for line in lines:
        if BEGINS.match(line) and block:
            yield block
            block = []
        block.append(line)
    if block:
        yield block
