"""What the stand-in says when it will not do something."""


class Refused(Exception):
    """The shop understood and says no; the text is the protocol's own where the document gives one."""

    def __init__(self, text: str, code: int | None = None) -> None:
        super().__init__(text)
        self.text = text
        self.code = code
