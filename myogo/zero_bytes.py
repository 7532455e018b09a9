"""No zero bytes: PostgreSQL keeps none, and no browser sends one. What holds one is refused before anybody reads it.

Cookies before all else, for the session that one names is looked up for any page, a 404 too; what a page is asked and
sent once it is known which view reads it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from django.core.exceptions import BadRequest
from django.http import HttpRequest, HttpResponse, QueryDict, UnreadablePostError

ZERO = "\x00"


class Middleware:
    """Answers with 400, in the words of `templates/400.html`."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        _refuse("the address", [request.path_info])
        _refuse("a cookie", [*request.COOKIES, *request.COOKIES.values()])
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view: Any, args: Any, kwargs: Any) -> None:
        if getattr(view, "csrf_exempt", False):
            return  # a machine's: it reads the request itself, the body once, and answers in its own way
        _refuse("the address", _texts(request.GET))
        try:
            fields = request.POST
        except UnreadablePostError:
            return  # who sent it is gone
        _refuse("a field", _texts(fields))


def _texts(said: QueryDict) -> Iterator[str]:
    for name, values in said.lists():
        yield from (name, *values)


def _refuse(where: str, texts: Iterable[object]) -> None:
    if any(ZERO in str(text) for text in texts):
        raise BadRequest(f"There is a zero byte in {where}.")
