"""A process that refreshes one integration to the end and prints what memory it took, for `test_memory.py`.

python -m tests.products.refresh_once <pk of the state>
"""

import json
import sys
from pathlib import Path

import django


def peak_kilobytes() -> int:
    """The most memory this process ever held, in KiB. Not `ru_maxrss`, which counts the parent before exec."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1])


def main(state_pk: int) -> None:
    django.setup()
    from integrations import sync
    from integrations.models import SyncRun
    from products.refresh import refresh

    before = peak_kilobytes()
    record = sync.run(state_pk, refresh)
    while record and record.outcome == SyncRun.Outcome.RUNNING:
        record = sync.run(state_pk, refresh)
    assert record is not None
    result = {"before": before, "peak": peak_kilobytes(), "outcome": record.outcome, **record.counts}
    sys.stdout.write(json.dumps(result))


if __name__ == "__main__":
    main(int(sys.argv[1]))
