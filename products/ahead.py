"""A page ahead: while one page is written, a thread fetches and reads the next.

The thread touches the network and nothing else; what it raises is raised here, in its turn.
"""

from __future__ import annotations

import contextvars
import queue
import threading
from collections.abc import Generator, Iterator
from typing import TypeVar

T = TypeVar("T")

POLL = 0.1  # seconds in which the thread notices that nobody wants more


def ahead(pages: Iterator[T]) -> Generator[T]:
    """The same pages. Closing it waits for the call under way, so that nobody uses its connection meanwhile."""
    line: queue.Queue[tuple[T | None, BaseException | None]] = queue.Queue(maxsize=1)
    is_over = threading.Event()

    def hand_over(page: T | None, error: BaseException | None = None) -> bool:
        while not is_over.is_set():
            try:
                line.put((page, error), timeout=POLL)
            except queue.Full:
                continue
            return True
        return False

    def fetch() -> None:
        try:
            for page in pages:
                if not hand_over(page):
                    return
        except BaseException as error:
            hand_over(None, error)
        else:
            hand_over(None)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(fetch,), daemon=True)
    thread.start()
    try:
        while True:
            page, error = line.get()
            if error is not None:
                raise error
            if page is None:
                return
            yield page
    finally:
        is_over.set()
        thread.join()
