"""Everything in one process: web, Celery worker, beat and sandbox, on loopback. Ctrl-C stops all."""

import os
import signal
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from myogo import demodata
from myogo.embedded import Engine


class QuietHandler(WSGIRequestHandler):
    """Says nothing of requests that went well."""

    # Head and body are two writes; else the second waits 40 ms for the browser to acknowledge the first.
    disable_nagle_algorithm = True

    def log_message(self, format: str, *args: Any) -> None:
        if len(args) > 1 and str(args[1]).startswith("5"):
            super().log_message(format, *args)


class Command(BaseCommand):
    help = "Run the whole portal on this machine: web, worker, beat and a stand-in for Centra."
    requires_migrations_checks = False

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))

    def handle(self, *args: Any, port: int, **options: Any) -> None:
        if not settings.SANDBOX:
            raise CommandError(
                "The demo needs SANDBOX=true in .env; run `make demo`, which writes one when there is none."
            )
        self._prepare()
        server = self._listen(port)
        address = f"http://127.0.0.1:{server.server_port}"
        settings.PORTAL_URL = settings.PORTAL_URL or address
        engine = Engine()
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            engine.start()
            self.stdout.write(demodata.welcome(address))
            self.stdout.flush()
            server.serve_forever()
        except (KeyboardInterrupt, SystemExit):
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            self.stdout.write("\nStopping. Started again, it goes on where it was.")
            self.stdout.flush()
            server.server_close()
            engine.stop()
            os._exit(0)  # a turn that waits for a slow shop would hold the process; its lease covers it

    def _prepare(self) -> None:
        name = settings.DATABASES["default"]["NAME"]
        if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
            os.makedirs(os.path.dirname(name), exist_ok=True)
        call_command("migrate", verbosity=0)
        demodata.fill()

    def _listen(self, port: int) -> ThreadedWSGIServer:
        try:
            server = ThreadedWSGIServer(("127.0.0.1", port), QuietHandler)
        except OSError as error:
            raise CommandError(
                f"Port {port} is taken ({error.strerror}). Choose another: make demo PORT=8001"
            ) from None
        server.daemon_threads = True
        server.set_app(get_wsgi_application())
        return server
