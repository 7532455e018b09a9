"""The platforms we can talk to. A second platform is one folder, one line here, one guide template and one fake."""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from integrations.connectors.base import Connector, Credentials


class Platform(NamedTuple):
    """A kind of shop: how people call it, where its connector lives, which guide stands beside its form.

    `secret_word` and `address_word` are the platform's own names of what our form calls API token and Store Hash.
    """

    label: str
    module: str
    guide: str
    secret_word: str
    address_word: str


PLATFORMS: dict[str, Platform] = {
    "centra": Platform(
        label="Centra",
        module="integrations.connectors.centra.connector",
        guide="integrations/guides/centra.html",
        secret_word="Secret API key",
        address_word="Base URL",
    ),
}


def load() -> None:
    """Import every platform's connector now: the processes of a worker's pool are copies of what is loaded before."""
    for platform in PLATFORMS.values():
        import_module(platform.module)


def connect(
    platform: str,
    credentials: Credentials,
    *,
    before_call: Callable[[], None] | None = None,
    total_seconds: float | None = None,
) -> Connector:
    """A connector for one shop, to be used in a `with` statement. Opens no connection by itself.

    `before_call` runs before every network call, repetitions included, and may raise to stop the work there.
    `total_seconds` bounds one read with its repetitions, or one write; left out, the platform's own measure holds.
    """
    connector: Connector = import_module(PLATFORMS[platform].module).connect(
        credentials, before_call=before_call, total_seconds=total_seconds
    )
    return connector


def tidy_base_url(platform: str, text: str) -> str:
    """What was pasted as Store Hash, tidied up; raises `ValueError` with a sentence where it cannot be right.

    Looks at the text only: whether the host may be called is asked by `http.check_address`.
    """
    tidy: str = import_module(PLATFORMS[platform].module).tidy_base_url(text)
    return tidy
