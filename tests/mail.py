"""Mail servers: one as a backend of Django's, one that listens."""

import smtplib
import socket
from typing import Any, Self

from django.core.mail.backends.base import BaseEmailBackend

REFUSING = f"{__name__}.Refusing"
SMTP = "django.core.mail.backends.smtp.EmailBackend"


class Refusing(BaseEmailBackend):
    """Refuses everybody, and says whom, as mail servers do."""

    def send_messages(self, email_messages: Any) -> int:
        people = [address for message in email_messages for address in message.to]
        raise smtplib.SMTPRecipientsRefused({one: (450, f"<{one}>: busy".encode()) for one in people})


class Silent:
    """Takes every connection on its port and never says a word."""

    def __enter__(self) -> Self:
        self._line = socket.create_server(("127.0.0.1", 0), backlog=20)
        self._line.setblocking(False)
        return self

    def __exit__(self, *_about: object) -> None:
        self._line.close()

    def serve(self, settings: Any) -> None:
        """Be the portal's mail server."""
        settings.EMAIL_BACKEND, settings.EMAIL_HOST = SMTP, "127.0.0.1"
        settings.EMAIL_PORT = self._line.getsockname()[1]

    def calls(self) -> int:
        """How often it was called since it was last asked."""
        count = 0
        while True:
            try:
                self._line.accept()[0].close()
            except BlockingIOError:
                return count
            count += 1
