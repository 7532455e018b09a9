"""What the lines of a log are about: set around a run, read by whoever writes them (`myogo/logs.py`). Ids only."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

_about: ContextVar[Mapping[str, int | str]] = ContextVar("log_context")


def about() -> Mapping[str, int | str]:
    return _about.get({})


@contextmanager
def during(**facts: int | str) -> Iterator[None]:
    """Every line written meanwhile in this thread carries these facts."""
    token = _about.set({**about(), **facts})
    try:
        yield
    finally:
        _about.reset(token)
