"""What a person is told where a page fails, and where only the database went away under it."""

import logging

import pytest
from django.conf import LazySettings
from django.db import connection
from django.test import Client

from merchants.models import Merchant, User
from orders.models import Event, Order, Status
from tests import factories

SENTENCE = "Our database was away for a moment"
CUT = """
CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(5); RETURN NEW; END $$;
CREATE TRIGGER cut BEFORE {events} ON {table} FOR EACH ROW EXECUTE FUNCTION cut();
"""
MENDED = "DROP TRIGGER cut ON {table}; DROP FUNCTION cut();"
on_postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite is a file: there is no connection to be cut"
)


def sql(text: str, **names: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(text.format(**names))


@pytest.fixture
def browser(owner: User) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(owner)
    return client


def pressed(browser: Client, order: Order) -> tuple[int, str]:
    """*Save* with CANCELLED chosen, on the order's page."""
    address = f"/m/{order.merchant_id}/orders/{order.pk}/status/"
    answer = browser.post(address, {"seen": Status.DRAFT, "status": Status.CANCELLED})
    return answer.status_code, answer.content.decode()


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_button_pressed_while_the_database_goes_away_does_nothing_says_so_and_works_afterwards(
    browser: Client, merchant: Merchant, caplog: pytest.LogCaptureFixture
) -> None:
    order = factories.order(merchant, status=Status.DRAFT)
    sql(CUT, events="INSERT", table="orders_event")
    try:
        status, text = pressed(browser, order)
    finally:
        sql(MENDED, table="orders_event")
    assert (status, SENTENCE in text, "Traceback" in text) == (503, True, False)
    assert [line.getMessage() for line in caplog.records if line.levelno >= logging.ERROR] == [
        f"Service Unavailable: /m/{merchant.pk}/orders/{order.pk}/status/"
    ]
    order.refresh_from_db()
    assert (order.status, Event.objects.count()) == (Status.DRAFT, 0)
    assert pressed(browser, order)[0] == 302
    order.refresh_from_db()
    assert (order.status, Event.objects.count()) == (Status.CANCELLED, 1)


@on_postgresql
@pytest.mark.django_db(transaction=True)
def test_a_session_that_is_not_saved_for_the_database_went_away_is_no_bad_request(
    browser: Client, merchant: Merchant, settings: LazySettings
) -> None:
    settings.SESSION_SAVE_EVERY_REQUEST = True  # else few pages write it
    sql(CUT, events="UPDATE", table="django_session")
    try:
        answer = browser.get(f"/m/{merchant.pk}/")
    finally:
        sql(MENDED, table="django_session")
    assert (answer.status_code, SENTENCE in answer.content.decode()) == (503, True)
    assert (answer.headers["Retry-After"], answer.headers["Cache-Control"]) == ("5", "no-store")
    assert browser.get(f"/m/{merchant.pk}/").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_what_the_database_refuses_while_it_is_there_is_a_fault_of_our_own(browser: Client, merchant: Merchant) -> None:
    """A column that is missing, as where a migration was left out."""
    factories.order(merchant)
    sql("ALTER TABLE {table} RENAME COLUMN number TO another", table="orders_order")
    try:
        answer = browser.get(f"/m/{merchant.pk}/orders/")
    finally:
        sql("ALTER TABLE {table} RENAME COLUMN another TO number", table="orders_order")
    assert (answer.status_code, SENTENCE in answer.content.decode()) == (500, False)
    assert browser.get(f"/m/{merchant.pk}/orders/").status_code == 200


@pytest.mark.django_db
def test_a_zero_byte_is_a_bad_request_as_ever(browser: Client) -> None:
    answer = browser.get("/?q=%00")
    assert (answer.status_code, SENTENCE in answer.content.decode()) == (400, False)
