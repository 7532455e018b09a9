"""One command to open a database that belongs to another installation."""

from getpass import getuser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations import installation
from myogo.takeover import take_over


class Command(BaseCommand):
    help = "Make this database the one of INSTALLATION: shops are talked to again, and looked at whole first."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="Do not ask.")
        parser.add_argument(
            "--keep-writing",
            action="store_true",
            help="Write to shops at once. Only where nothing in the database is old: a move, or another name.",
        )

    def handle(self, *args: Any, yes: bool, keep_writing: bool, **options: Any) -> None:
        here = installation.current()
        if here.is_ours:
            self.stdout.write(f"This database belongs to “{here.name}” already. Nothing was done.")
            return
        self.stdout.write(
            f"This database belongs to the installation “{here.name}”; this one is “{settings.INSTALLATION}”.\n"
            f"If “{here.name}” still runs on a database of its own, both will talk to the same shops."
        )
        if not (yes or _agrees()):
            raise CommandError("Nothing was done.")
        done = take_over(f"takeover ({getuser()})", stops_writing=not keep_writing)
        self.stdout.write(
            f"“{settings.INSTALLATION}” has taken over. {done.integrations} integrations are looked at whole; "
            f"{done.figures} figures and {done.orders} orders are checked with the shop before it is told."
        )
        if not keep_writing:
            self.stdout.write(
                "Writing to shops is stopped. When stock and orders are right again, allow it: "
                "/admin/integrations/installation/"
            )


def _agrees() -> bool:
    """Where nobody can be asked (no terminal, as in a script), nobody agrees."""
    try:
        return input("Take it over? Type yes: ").strip().lower() == "yes"
    except EOFError:
        raise CommandError("Nobody can be asked here, so nothing was done. To take it over unasked: --yes.") from None
