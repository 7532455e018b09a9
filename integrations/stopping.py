"""How a worker that is told to stop tells its runs: they finish their page and give their lease back.

One byte of memory shared by the worker and the processes that it forks, and by the threads of each. `SIGTERM` sent to
a forked process itself (some service managers send it to all) waits until the run there has given its place back.
"""

import mmap
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from billiard import current_process

_shared = mmap.mmap(-1, 1)


def begin(**kwargs: Any) -> None:
    _shared[0] = 1


def forget(**kwargs: Any) -> None:
    """A worker starts in this process."""
    _shared[0] = 0


def has_begun() -> bool:
    return bool(_shared[0])


@contextmanager
def deferred() -> Iterator[None]:
    """Around one run in a forked process: `SIGTERM` ends the turn, then the process; a second one ends it at once."""
    if current_process().name == "MainProcess":
        yield
        return
    before = signal.getsignal(signal.SIGTERM)
    was_asked = False

    def ask(number: int, frame: Any) -> None:
        nonlocal was_asked
        was_asked = True
        begin()
        signal.signal(signal.SIGTERM, before)

    signal.signal(signal.SIGTERM, ask)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if was_asked:
            os.kill(os.getpid(), signal.SIGTERM)
