"""Sending a mail: it goes out, or its sender is told why not, in a word that quotes nobody."""

import smtplib

from django.core.mail import send_mail

# What a mail server says of one mail; whatever else goes wrong meets the next one too.
OF_THIS_ONE = (smtplib.SMTPRecipientsRefused, smtplib.SMTPDataError)


class Unsent(Exception):
    """A mail did not go out. `kind` is the error's: what the server said may quote the recipients.

    `is_down`: no other mail would go out now either, and each costs `EMAIL_TIMEOUT` where the server is silent.
    """

    def __init__(self, error: Exception) -> None:
        self.kind = type(error).__name__
        super().__init__(self.kind)
        self.is_down = not isinstance(error, OF_THIS_ONE)


def send(subject: str, text: str, recipients: list[str]) -> None:
    """Raises `Unsent`."""
    try:
        send_mail(subject, text, None, recipients)
    except (smtplib.SMTPException, OSError) as error:
        raise Unsent(error) from None
