"""Rotate the key of stored secrets."""

from typing import Any

from django.core.management.base import BaseCommand
from django.db import transaction

from integrations.fields import Secret, rotate
from integrations.models import Integration


class Command(BaseCommand):
    help = "Encrypt every stored secret with the first of FIELD_ENCRYPTION_KEYS; afterwards the older keys can go."

    def handle(self, *args: Any, **options: Any) -> None:
        count = 0
        for pk in Integration.objects.values_list("pk", flat=True):
            with transaction.atomic():
                integration = Integration.objects.select_for_update().get(pk=pk)
                integration.secret = Secret(rotate(integration.secret.cipher))
                integration.save(update_fields=["secret"])
            count += 1
        self.stdout.write(f"{count} secrets are encrypted with the newest key.")
