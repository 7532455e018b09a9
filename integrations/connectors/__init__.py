"""The platforms we can talk to. A second platform is one folder, one line here, one guide template and one fake."""

from collections.abc import Callable
from importlib import import_module
from typing import NamedTuple

from integrations.connectors.base import Connector, Credentials


class Platform(NamedTuple):
    """A kind of shop: how people call it, where its connector lives, which guide stands beside its form."""

    label: str
    module: str
    guide: str


PLATFORMS: dict[str, Platform] = {
    "centra": Platform("Centra", "integrations.connectors.centra.connector", "integrations/guides/centra.html"),
}


def connect(platform: str, credentials: Credentials, *, before_call: Callable[[], None] | None = None) -> Connector:
    """A connector for one shop, to be used in a `with` statement. Opens no connection by itself.

    `before_call` runs before every network call, repetitions included, and may raise to stop the work there.
    """
    connector: Connector = import_module(PLATFORMS[platform].module).connect(credentials, before_call=before_call)
    return connector


def tidy_base_url(platform: str, text: str) -> str:
    """What was pasted as Store Hash, tidied up; raises `ValueError` with a sentence where it cannot be right.

    Looks at the text only: whether the host may be called is asked by `http.check_address`.
    """
    tidy: str = import_module(PLATFORMS[platform].module).tidy_base_url(text)
    return tidy
