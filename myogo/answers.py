"""What every answer has, also where something was refused: the headers that keep a browser on its guard, and words."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.middleware.security import SecurityMiddleware
from django.template.loader import render_to_string

Answering = Callable[[HttpRequest], HttpResponseBase]


def headers(get_response: Answering) -> Answering:
    """Django's `SecurityMiddleware` gives its headers to what comes from behind it; this, to what it refuses itself.

    That is a request over http for a host that is not ours, and what other middleware answers before it.
    """
    security = SecurityMiddleware(get_response)

    def answer(request: HttpRequest) -> HttpResponseBase:
        return security.process_response(request, get_response(request))  # type: ignore[arg-type]

    return answer


def words(get_response: Answering) -> Answering:
    """An address that does not take this method says so on a page; Django's own answer is empty."""

    def answer(request: HttpRequest) -> HttpResponseBase:
        response = get_response(request)
        if isinstance(response, HttpResponseNotAllowed) and not response.content:
            response.content = render_to_string("405.html").encode()
        return response

    return answer
