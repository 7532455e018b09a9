"""How long the project's own stand-in for Centra takes for stock figures; prints seconds a figure.

python -m bench.stand_in 500        so many items, all of them told in one call, several times
"""

from __future__ import annotations

import os
import statistics
import sys
import time

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "bench.settings")
CALLS = 5
KEY = "a-secret-api-key"


def main(given: str) -> None:
    django.setup()
    from django.core.management import call_command
    from django.test import Client

    call_command("migrate", "sandbox", verbosity=0)
    from sandbox.models import Shop

    shop, number = Shop.open("bench"), int(given)
    shop.add_plugin("order-api", KEY)
    for one in range(number):
        shop.add_size(f"FG{one:06d}", "-NVY", "-M")
    took = []
    for call in range(1 + CALLS):  # the first one warms up
        rows = [{"product": f"FG{one:06d}-NVY-M", "quantity": 7 + call} for one in range(number)]
        began = time.perf_counter()
        answer = Client().post(
            "/sandbox/bench/api/order-api/stock",
            {"products": rows},
            content_type="application/json",
            headers={"authorization": f"Bearer {KEY}"},
        )
        took.append((time.perf_counter() - began) / number)
        if answer.json() != {"status": "ok"}:
            raise SystemExit(f"the stand-in refused the figures: {answer.content[:200]!r}")
    sys.stdout.write(str(statistics.median(took[1:])))


if __name__ == "__main__":
    main(sys.argv[1])
