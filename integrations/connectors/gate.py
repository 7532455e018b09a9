"""Whether this installation may talk to shops at all, and whether it may write to them.

Every session asks when it begins, and again before each write. Connectors know no model, so the floor above answers
(`asks`, from `AppConfig.ready()`); until somebody does, nothing is let through. There is no other way out to a shop.
"""

from typing import Protocol

from django.utils.translation import gettext as _

from integrations.connectors.errors import Closed


class Question(Protocol):
    def __call__(self, *, is_write: bool) -> None:
        """Raises `Closed` where the call must not be made."""


def _nobody_answers(*, is_write: bool) -> None:
    raise Closed(_("Nobody has told this process whether it may talk to shops."))


_question: Question = _nobody_answers


def asks(question: Question) -> Question:
    """From now on this is asked; returns what was asked before."""
    global _question
    before, _question = _question, question
    return before


def ask(*, is_write: bool) -> None:
    _question(is_write=is_write)
