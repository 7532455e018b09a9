"""A fault of our own that one order meets: logged, said where it waits, and no reason for the others to stand still."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from django.db import InterfaceError, OperationalError
from django.utils.translation import gettext_lazy as _

from integrations.connectors.errors import ShopError
from integrations.sync import LostLease, TurnOver

log = logging.getLogger(__name__)

TEXT = _("Something failed on our side; we look into it, and it is tried again.")

# No fault of one order: the run ends, the shop does not answer, the database is away or busy.
NOT_OURS = (LostLease, TurnOver, ShopError, OperationalError, InterfaceError)


@contextmanager
def alone(what: object) -> Iterator[None]:
    """Around the work on one thing of many, outside its transaction: what fails in our own code ends this one only."""
    try:
        yield
    except NOT_OURS:
        raise
    except Exception:
        log.exception("%s failed in our own code.", what)
