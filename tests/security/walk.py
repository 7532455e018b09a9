"""Everybody walks through everything: each address there is, looked at and sent to, by who may go there."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from django.test import Client, override_settings
from django.urls import reverse

from merchants.models import User
from tests import factories
from tests.addresses import World, account_url, desk_url, of, one_of_each, sandbox_urls, url_of

WATCHED = ("/health/live", "/health/ready", "/metrics")
METRICS_TOKEN = "a-token-for-prometheus"  # noqa: S105


class Visit(NamedTuple):
    """One answer: who asked, how, and what came."""

    who: str
    what: str
    answer: Any

    def __str__(self) -> str:
        return f"{self.who}: {self.what}"

    @property
    def is_page(self) -> bool:
        return str(self.answer.get("Content-Type", "")).startswith("text/html") and self.answer.status_code != 302

    @property
    def text(self) -> str:
        return str(self.answer.content.decode(errors="replace"))


def browser(user: User | None = None) -> Client:
    client = Client(raise_request_exception=True)
    if user:
        client.force_login(user)
    return client


def visits(world: World) -> Iterator[Visit]:
    """All of them, as owner, staff, nobody, at the stand-in, and as machines that watch. Forms are sent empty."""
    yield from _everywhere(
        "owner", browser(world.owner), [url_of(one, world) for one in of("merchant") + of("signed in")]
    )
    staff = factories.user(is_staff=True, is_superuser=True)
    rows = one_of_each()
    yield from _everywhere("staff", browser(staff), [desk_url(one, rows) for one in of("desk")], sends=False)
    someone = factories.user()
    accounts = [account_url(one, someone) for one in of("account")]
    yield from _everywhere("nobody", browser(), [*accounts, "/", "/nowhere/", "/m/x/", "/sandbox/nowhere/"])
    yield from _everywhere("signed in", browser(someone), accounts, sends=False)
    shopkeeper, urls = browser(), sandbox_urls()
    shopkeeper.post(reverse("sandbox:sign_in"), {"user": "demo", "password": "demo"})
    yield from _everywhere("shopkeeper", shopkeeper, list(urls.values()), sends=False)
    yield from watching()


def watching() -> list[Visit]:
    """What no site map names, for middleware answers it: probes, and Prometheus with its token."""
    machine = Client(headers={"Authorization": f"Bearer {METRICS_TOKEN}"})
    with override_settings(METRICS_TOKEN=METRICS_TOKEN):
        return list(_everywhere("machine", machine, list(WATCHED), sends=False))


def _everywhere(who: str, client: Client, urls: list[str], *, sends: bool = True) -> Iterator[Visit]:
    for url in urls:
        yield Visit(who, f"GET {url}", client.get(url, follow=True))
    for url in urls if sends else []:
        yield Visit(who, f"POST {url}", client.post(url))
        yield Visit(who, f"POST {url} (htmx)", client.post(url, headers={"HX-Request": "true"}))
