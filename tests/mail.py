"""A mail server as a backend of Django's."""

import smtplib
from typing import Any

from django.core.mail.backends.base import BaseEmailBackend

REFUSING = f"{__name__}.Refusing"


class Refusing(BaseEmailBackend):
    """Refuses everybody, and says whom, as mail servers do."""

    def send_messages(self, email_messages: Any) -> int:
        people = [address for message in email_messages for address in message.to]
        raise smtplib.SMTPRecipientsRefused({one: (450, f"<{one}>: busy".encode()) for one in people})
