"""How much one user may have shops asked: each question holds a web process, and may go to anybody's server."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.core.cache import cache
from django.utils.translation import gettext as _

QUESTIONS = 20  # per user
WINDOW = 300  # seconds
LONGEST = 30  # seconds after which a question that never ended is forgotten


@contextmanager
def one_question(user: int) -> Iterator[str]:
    """One question at a time, and not too many: yields "" where the user may ask now, else a sentence why not."""
    if not cache.add(f"asking:{user}", 1, LONGEST):
        yield _("Another window of yours is still asking the shop. Wait a moment, then press the button again.")
        return
    try:
        yield "" if _count(user) <= QUESTIONS else _too_often()
    finally:
        cache.delete(f"asking:{user}")


def _count(user: int) -> int:
    """How many questions there were in the window that the first one opened, this one included."""
    key = f"asked:{user}"
    cache.add(key, 0, WINDOW)
    try:
        return int(cache.incr(key))
    except ValueError:  # forgotten by the cache this very moment
        return 1


def _too_often() -> str:
    return _("You asked shops very often just now. Wait %(minutes)d minutes, then press the button again.") % {
        "minutes": WINDOW // 60
    }
