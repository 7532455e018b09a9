"""What a report of one of our own faults may say, by mail or on a page: never what somebody typed, nor a secret."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpRequest
from django.views.debug import SafeExceptionReporterFilter


class Reports(SafeExceptionReporterFilter):
    """Fields and values of variables are left out: there stand API tokens, passwords, and customers' addresses.

    Of settings also those go that hold an address with its login in it, such as the broker's.
    """

    hidden_settings = re.compile(
        SafeExceptionReporterFilter.hidden_settings.pattern + r"|URL|BROKER|LOCATION|HOST_USER|DSN", re.IGNORECASE
    )

    def get_post_parameters(self, request: HttpRequest | None) -> dict[str, Any]:
        """The names of the fields, so that the fault can be played again."""
        typed = {} if request is None else request.POST
        return dict.fromkeys(typed, self.cleansed_substitute) if self.is_active(request) else dict(typed)

    def get_traceback_frame_variables(self, request: HttpRequest | None, tb_frame: Any) -> Any:
        """The names of the variables; their values only on the developer's own page, with DEBUG on."""
        if not self.is_active(request):
            return super().get_traceback_frame_variables(request, tb_frame)
        return [(name, self.cleansed_substitute) for name in tb_frame.f_locals]
