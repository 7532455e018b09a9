"""Rotate the key of stored secrets."""

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError
from django.db import models, transaction

from integrations.fields import Secret, SecretField, Undecipherable, rotate


class Command(BaseCommand):
    help = "Encrypt every stored secret with the first of FIELD_ENCRYPTION_KEYS; afterwards the older keys can go."

    def handle(self, *args: Any, **options: Any) -> None:
        """Each row in a transaction of its own: broken off, it is simply run again. Ends with an error where a secret
        could not be opened, and has rotated all others by then."""
        done, shut = 0, []
        for model, field in secret_fields():
            for pk in model._base_manager.order_by("pk").values_list("pk", flat=True):
                try:
                    done += _rotate(model, field, pk)
                except Undecipherable:
                    shut.append(f"{model._meta.label} {pk}")
        self.stdout.write(f"{done} secrets are encrypted with the newest key.")
        if shut:
            raise CommandError(
                f"No key opens {len(shut)} of them: {', '.join(shut[:20])}. "
                "Put the key that was in use when they were saved behind the new one, or enter these secrets again."
            )


def secret_fields() -> Iterator[tuple[type[models.Model], str]]:
    """Wherever a secret is kept, in models that come later too."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:
            if isinstance(field, SecretField):
                yield model, field.name


def _rotate(model: type[models.Model], field: str, pk: Any) -> bool:
    """Whether there was one; nothing else of the row is touched."""
    with transaction.atomic():
        row = model._base_manager.select_for_update(of=("self",)).filter(pk=pk).first()
        secret = getattr(row, field, None)
        if row is None or not secret:
            return False
        model._base_manager.filter(pk=pk).update(**{field: Secret(rotate(secret.cipher))})
        return True
