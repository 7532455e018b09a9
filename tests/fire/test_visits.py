"""People at browsers: that they see every page and press every button, and that what they would see is found."""

from __future__ import annotations

import math
import time
from itertools import count
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.test import override_settings
from django.urls import path

from myogo import failing
from myogo.urls import urlpatterns as portal
from orders import faults
from orders.models import Order, Status
from tests.fire import report, ways
from tests.fire.browser import Browser, Ledger, Reload, Seen
from tests.fire.conftest import burnt, visits_to
from tests.fire.engines import Database, Engines, free_port
from tests.fire.plan import Act
from tests.fire.reading import NotOffered, Page
from tests.fire.town import Town
from tests.fire.visits import Visits

numbers = count(100)


def buy(town: Town) -> int:
    """An order of three pieces, read in and NEW; the number of its purchase."""
    number = next(numbers)
    town.purchase(
        Act(0, "shopper", "buy", town.number, number, {"lines": [[0, 2], [1, 1]], "confirm": True, "owes": False})
    )
    town.run("intake")
    return number


def order_of(town: Town, number: int) -> Order:
    found = town.one(number)
    assert found is not None
    return found


def look_everywhere(visits: Visits) -> None:
    for what in (*ways.WAYS, *ways.BUTTONS):
        for town in visits.towns:
            visits.visit(Act(0, "visitor", what, town.number, 0, {"pick": town.number}))


def change(visits: Visits, what: str, number: int) -> None:
    visits.change_mind(Act(0, "merchant", what, 0, number, {"by": "page"}))


def at_the_desk(visits: Visits, what: str, pick: int = 1) -> None:
    visits.work(Act(0, "desk", what, 0, 0, {"pick": pick}))


def test_people_at_browsers_see_every_page_and_press_every_button(towns: list[Town], settings: LazySettings) -> None:
    settings.METRICS_TOKEN = ways.TOKEN
    visits, town = visits_to(towns), towns[0]
    town.has_desk = True

    moved = buy(town)
    for what, status in (("draft", Status.DRAFT), ("save", Status.NEW), ("cancel", Status.CANCELLED)):
        change(visits, what, moved)
        assert order_of(town, moved).status == status, visits.ledger

    parted = buy(town)
    change(visits, "split one off", parted)
    parts = town.orders(Status.NEW).filter(number=order_of(town, parted).number)
    assert [sum(line.pieces for line in part.lines.all()) for part in parts.order_by("part")] == [2, 1]

    for what, pieces in (("accept", 4), ("refuse", 3)):
        changed = buy(town)
        town.in_shop(changed, "edit_more")
        town.sweep()
        change(visits, what, changed)
        order = order_of(town, changed)
        assert (order.offered, order.pieces) == (None, pieces)

    refused = buy(town)
    town.in_shop(refused, "payment_fails")
    at_the_desk(visits, "collect")
    assert not town.orders(Status.NEW).filter(handover_asked_at=None).exists()
    town.run("hand-over")
    town.in_shop(refused, "payment_works")
    assert order_of(town, refused).holds.exists()
    change(visits, "try again", refused)
    town.run("hand-over")
    assert not order_of(town, refused).holds.exists()

    change(visits, "ask to cancel", 0)
    asked = town.orders(Status.COLLECTING).get(cancel_asked_at__isnull=False)
    at_the_desk(visits, "answer")
    asked.refresh_from_db()
    assert (asked.status, asked.cancel_answer) == (Status.CANCELLED, "agreed")

    town.bring(town.products[0], 3)
    look_everywhere(visits)
    while not (by_page := [one.pk for one in town.orders(Status.COLLECTING) if town.is_for_page(one.pk)]):
        buy(town)
        at_the_desk(visits, "collect")
        town.run("hand-over")
    before = town.books.acts["shipped"]
    at_the_desk(visits, "ship")
    sent = town.orders(Status.SHIPPED).filter(pk__in=by_page)
    assert list(sent.values_list("tracking_code", flat=True)) == [f"T-{order.pk}" for order in sent]
    assert len(sent) == len(by_page) == town.books.acts["shipped"] - before

    assert visits.ledger.errors == []
    assert burnt(visits).not_seen == []


# --- the proof can fail --------------------------------------------------------------------


def fails(request: HttpRequest, **_keys: int) -> HttpResponse:
    raise KeyError("of our own")


def shows_a_trace(request: HttpRequest, **_keys: int) -> HttpResponse:
    return HttpResponse("Traceback (most recent call last): KeyError")


def leads_nowhere(request: HttpRequest, **_keys: int) -> HttpResponse:
    return redirect("/nowhere/")


def leads_round(request: HttpRequest, **_keys: int) -> HttpResponse:
    return redirect(request.path)


def signs_out(request: HttpRequest, **_keys: int) -> HttpResponse:
    logout(request)
    return redirect("/accounts/login/")


def says_nothing(request: HttpRequest, **_keys: int) -> HttpResponse:
    return HttpResponse("Done, perhaps.")


def says_that_it_failed(request: HttpRequest, **keys: int) -> HttpResponse:
    messages.error(request, str(faults.TEXT))
    return redirect(f"/m/{keys['m']}/company/")


def is_away(request: HttpRequest, **_keys: int) -> HttpResponse:
    return failing.away()


urlpatterns = [
    path("m/<int:m>/", fails),
    path("m/<int:m>/orders/", shows_a_trace),
    path("m/<int:m>/products/", leads_nowhere),
    path("m/<int:m>/products/stock-updates/", leads_round),
    path("m/<int:m>/shipping/", is_away),
    path("m/<int:m>/integrations/", signs_out),
    path("m/<int:m>/integrations/<int:i>/pipes/intake/", says_nothing),
    path("m/<int:m>/products/sync/refresh/", says_that_it_failed),
    *portal,
]
handler500 = "myogo.failing.server_error"
BROKEN = {
    "front page": "front page: HTTP 500 at /m/{m}/",
    "orders": "orders: a trace at /m/{m}/orders/",
    "products": "products: HTTP 404 at /nowhere/",
    "stock updates": "stock updates: TooManyRedirects",
    "shipping methods": "shipping methods: HTTP 503 at /m/{m}/shipping/",
    "integrations": "integrations: {kim} was signed out",
    ways.LOOK: f"{ways.LOOK}: pressed, and the answer says nothing",
    ways.REFRESH: f"Refresh: {faults.TEXT}",
}


def test_a_page_that_is_broken_turns_the_report_red(towns: list[Town]) -> None:
    assert not burnt(visits_to(towns)).is_green  # nobody was there
    for what, said in BROKEN.items():
        visits, town = visits_to(towns), towns[0]
        visits.visit(Act(0, "visitor", "settings", 0, 0, {"pick": 0}))  # signed in while all is well
        assert burnt(visits).is_green
        with override_settings(ROOT_URLCONF="tests.fire.test_visits"):
            visits.visit(Act(0, "visitor", what, 0, 0, {"pick": 0}))
        kim = visits.kims[town.merchant.pk].email
        result = burnt(visits)
        assert visits.ledger.errors == [f"{what} in shop 0: " + said.format(m=town.merchant.pk, kim=kim)]
        assert not result.is_green
        assert list(report._problems(result))[:2] == ["### shown at a browser\n", f"* {visits.ledger.errors[0]}"]


def test_what_was_cut_on_purpose_is_reloaded_and_counted_and_nothing_else_is(towns: list[Town]) -> None:
    """The page says that the database was away: in a storm just then, and where nobody cut it."""
    visits, away = visits_to(towns), iter([True, True, False])
    visits.was_away = lambda what, begin, end: what == "database" and next(away)
    visits.visit(Act(0, "visitor", "settings", 0, 0, {"pick": 0}))
    with override_settings(ROOT_URLCONF="tests.fire.test_visits"):
        visits.visit(Act(0, "visitor", "shipping methods", 0, 0, {"pick": 0}))
    assert visits.ledger.reloaded == {"the page said that the database was away": 2}
    assert len(visits.ledger.errors) == 1


def test_a_web_process_that_is_killed_is_waited_for_and_one_that_died_by_itself_is_an_error() -> None:
    engines = Engines(Path(), Database("postgres://127.0.0.1/x", "x"), {}, free_port(), free_port())
    browser = Browser(f"http://127.0.0.1:{engines.port}", Ledger(), engines.was_away)
    with pytest.raises(Seen, match="orders: ConnectionError"):
        browser.get("orders", "/")
    engines.outages.append(("web", time.monotonic(), math.inf))
    with pytest.raises(Reload, match="being restarted"):
        browser.get("orders", "/")


def test_an_outage_lasts_until_it_works_again() -> None:
    engines = Engines(Path(), Database("postgres://127.0.0.1/x", "x"), {}, 0, 0)
    engines.outages = [("web", 10.0, 14.0), ("web", 20.0, math.inf)]
    assert [engines.was_away("web", begin, begin + 1) for begin in (8.5, 9.5, 13.5, 14.5)] == [False, True, True, False]
    assert [engines.was_away("web", begin, begin + 1) for begin in (18.5, 19.5, 900.0)] == [False, True, True]
    assert not engines.was_away("database", 0, 900)


def test_what_a_page_does_not_offer_is_not_pressed() -> None:
    page = Page(
        "/m/1/orders/2/",
        """<ul class="messagelist"><li>One &amp; two</li></ul>
        <form method="post" action="status/"><input name="seen" value="new">
        <input type="radio" name="status" value="new" checked><input type="radio" name="status" value="draft">
        <input type="radio" name="status" value="shipped" disabled><button>Save</button></form>
        <a href="?page=2"> Next </a>""",
    )
    form = page.form("/orders/2/status/")
    assert (page.said, page.links) == (["One & two"], [("?page=2", "Next")])
    assert form.filled(("", ""), {"status": ["draft"]}) == {"seen": ["new"], "status": ["draft"]}
    for button, chosen in ((None, {"status": ["shipped"]}), (("act", "ask"), {}), (None, {"comment": ["x"]})):
        with pytest.raises(NotOffered):
            form.filled(button, chosen)
    with pytest.raises(NotOffered):
        page.form("/act/")
