"""Ask a shop with what was typed, before anything is saved. Changes nothing, here or there.

    typed values ─▶ probe ─▶ Findings ─▶ an error on the field · a warning · what each right is

Somebody waits for the answer at a page, so the whole conversation is short: see `SECONDS`.
"""

import time
from dataclasses import dataclass

from django.utils.translation import gettext as _

from integrations.connectors import connect
from integrations.connectors.base import Allowed, Credentials, Right, RightFound
from integrations.connectors.errors import BadCredentials, ShopError, Unavailable, Unreadable

SECONDS = 15.0  # after so long no further call is begun
CALL_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Findings:
    """What the shop said: its rights, or why there was no answer to read them from."""

    rights: tuple[RightFound, ...] = ()
    error: ShopError | None = None

    @property
    def field(self) -> str:
        """The attribute of `Credentials` that must be mended before saving; `""` where none must."""
        if isinstance(self.error, BadCredentials):
            return self.error.field
        return "base_url" if isinstance(self.error, Unreadable) else ""

    @property
    def warning(self) -> str:
        """Why it will not work for now, although it may be saved; `""` where it works."""
        if self.error:
            return str(self.error)
        return next((right.detail for right in self.rights if _is_missed(right)), "")


def probe(platform: str, credentials: Credentials) -> Findings:
    """One short conversation with the shop. Never raises a `ShopError`."""
    ends_at = time.monotonic() + SECONDS

    def before_call() -> None:
        if time.monotonic() > ends_at:
            raise Unavailable(_("The shop answers very slowly; the test was broken off."))

    try:
        with connect(platform, credentials, before_call=before_call, total_seconds=CALL_SECONDS) as shop:
            return Findings(rights=shop.check())
    except ShopError as error:
        return Findings(error=error)


def _is_missed(found: RightFound) -> bool:
    """Products are read by every integration; what the other rights are needed for is said by their own switches."""
    return found.right is Right.PRODUCTS and found.allowed is not Allowed.YES
