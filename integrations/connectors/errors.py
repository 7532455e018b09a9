"""The few ways in which talking to a shop fails, sorted by who must act.

    ShopError
    ├── Unavailable      the clock: try again, after `retry_after` seconds where the shop said so
    ├── BadCredentials   the merchant: the key was refused, everything of this integration stops
    │   └── WrongAddress the merchant: the address is not the shop's, or not one we call; stops all the same
    ├── NotAllowed       the merchant: the key may not use one endpoint, only the pipe that needs it stops
    ├── Rejected         nobody but this one thing: the shop said no to it, go on with the next
    ├── Unreadable       us: the answer is not what it should be; hold the item, go on
    └── Closed           us: nothing was asked, for this installation may not; what is owed stays owed

`str(error)` is a sentence that a merchant may read: it never holds a secret, a header or a body.
"""


class ShopError(Exception):
    """Something went wrong between us and a shop; the text says what, in a sentence."""


class Unavailable(ShopError):
    """The shop does not answer, or asks us to wait `retry_after` seconds.

    `lost_answer` is true when a write was sent and its answer never came: it may have happened.
    """

    def __init__(self, text: str, *, retry_after: float | None = None, lost_answer: bool = False) -> None:
        super().__init__(text)
        self.retry_after = retry_after
        self.lost_answer = lost_answer


class BadCredentials(ShopError):
    """The shop refused the key itself. `field` is the attribute of `Credentials` that must be mended."""

    field = "secret"


class WrongAddress(BadCredentials):
    """No such interface at this address: it sends us elsewhere, knows no such page, or may not be called from here."""

    field = "base_url"


class NotAllowed(ShopError):
    """The key is good, but may not use `endpoint` (a word of the platform, as in "GET /products")."""

    def __init__(self, text: str, *, endpoint: str) -> None:
        super().__init__(text)
        self.endpoint = endpoint


class Rejected(ShopError):
    """The shop understood and said no; `reason` is its own word."""

    def __init__(self, text: str, *, reason: str = "") -> None:
        super().__init__(text)
        self.reason = reason or text


class Unreadable(ShopError):
    """The answer cannot be understood; `what` names the part, never its content."""

    def __init__(self, text: str, *, what: str = "") -> None:
        super().__init__(text)
        self.what = what


class Closed(ShopError):
    """This installation may not talk to shops now, or not write to them. Nothing was sent; the work waits."""
