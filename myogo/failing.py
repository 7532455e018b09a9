"""Where a page fails: the page that says so. Where only the database went away under it, the answer is 503, not 500.

Nothing is half done then: each act of a page is one transaction. Whether its last word was still heard nobody knows,
so the page says to look first, and then to try again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.views import defaults

from integrations.sync import is_cut_off

RETRY_AFTER = 5  # seconds; by then another connection is open, where the database is there


def server_error(request: HttpRequest) -> HttpResponse:
    """Django calls it while the error is handled, and gives it no other way."""
    return away() if _was_cut(sys.exc_info()[1]) else defaults.server_error(request)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """A session that could not be saved counts as a bad request in Django, whatever the reason was."""
    return away() if _was_cut(exception) else defaults.bad_request(request, exception)


def away() -> HttpResponse:
    headers = {"Retry-After": str(RETRY_AFTER), "Cache-Control": "no-store"}
    return HttpResponse(render_to_string("503_database.html"), status=503, headers=headers)


def _was_cut(error: BaseException | None) -> bool:
    return any(isinstance(link, Exception) and is_cut_off(link) for link in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error, and those while which it was raised."""
    while error is not None:
        yield error
        error = error.__context__
