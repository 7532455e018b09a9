"""Every number that a shop ever showed is here, or was left for a reason, or is an alarm."""

from datetime import timedelta

import pytest
from django.utils import timezone

from orders import ledger
from orders.models import Order, SeenOrder, Verdict
from tests.conftest import Centra
from tests.orders.shop import active_method, buy, goods, look, sweep

pytestmark = pytest.mark.django_db(transaction=True)
PARTS = ("new", "known", "waiting", "skipped", "unreadable")


def test_a_number_that_is_lost_is_an_alarm_until_the_shop_shows_it_again(centra: Centra) -> None:
    active_method(centra)
    sweater = goods(centra)
    lost, _kept = buy(centra, {sweater.size: 1}), buy(centra, {sweater.size: 1})
    look(centra)
    lost.hold()
    Order.objects.filter(number=str(lost.number)).delete()

    run = sweep(centra)

    assert f"Seen once, and neither here nor skipped: {lost.number}." in run.notes
    known = centra.integration.state("intake").remembers["ledger"]
    assert (known["shown"], known["here"], known["lost"]) == (2, 1, 1)
    lost.resume()
    assert sweep(centra).notes == []
    assert Order.objects.filter(number=str(lost.number)).exists()


def test_a_row_without_a_number_is_counted_and_its_days_are_read_again(centra: Centra) -> None:
    active_method(centra)
    sweater = goods(centra)
    buy(centra, {sweater.size: 1})
    look(centra)
    before = centra.integration.state("intake").synced_through
    buy(centra, {sweater.size: 1})
    centra.shop.break_endpoint("GET orders", "unreadable_row", times=1, row=0, field="orderId", value=None)

    counts = look(centra).counts

    assert counts["orders"] == 2 == sum(counts[part] for part in PARTS)
    assert (counts["known"], counts["unreadable"]) == (1, 1)
    assert centra.integration.state("intake").synced_through == before
    look(centra)
    assert Order.objects.count() == 2
    assert centra.integration.state("intake").synced_through != before


def test_another_shop_behind_the_name_begins_a_ledger_of_its_own(centra: Centra) -> None:
    active_method(centra)
    sweater = goods(centra)
    buy(centra, {sweater.size: 1})
    look(centra)
    address = centra.integration.base_url
    centra.integration.base_url = address.replace("localhost", "127.0.0.1")
    assert centra.integration.base_url != address
    centra.shop.orders.all().delete()
    centra.integration.save()
    centra.integration.resume_after_change(other_shop=True)

    run = sweep(centra)

    assert (run.error, run.notes, SeenOrder.objects.count(), ledger.missing(centra.integration)) == ("", [], 0, [])
    assert Order.objects.get().is_shown  # nobody asks the new shop for the old one's orders


def test_of_a_pass_counts_each_number_once(centra: Centra) -> None:
    now = timezone.now()
    for number, verdict, first in (
        ("1", Verdict.TAKEN, now),
        ("2", Verdict.TAKEN, now - timedelta(days=1)),
        ("3", Verdict.SKIPPED, now),
        ("4", Verdict.UNREADABLE, now),
    ):
        SeenOrder.objects.create(
            integration=centra.integration,
            number=number,
            verdict=verdict,
            reason="older" if verdict == Verdict.SKIPPED else "",
            first_seen_at=first,
            last_seen_at=now,
            seen_in="this",
        )
    found = ledger.of_pass(centra.integration, "this", now - timedelta(minutes=1), nameless=2)
    assert (found.new, found.known, found.waiting, found.unreadable, found.skipped["older"]) == (1, 1, 0, 1, 1)
    assert found.adds_up
    assert found.counts()["orders"] == 6 == sum(found.counts()[part] for part in PARTS)
    assert ledger.of_pass(centra.integration, "another", now).distinct == 0


def test_more_lost_numbers_than_are_named_are_all_counted(centra: Centra) -> None:
    now = timezone.now()
    SeenOrder.objects.bulk_create(
        SeenOrder(
            integration=centra.integration,
            number=str(number),
            verdict=Verdict.TAKEN,
            first_seen_at=now,
            last_seen_at=now,
        )
        for number in range(ledger.NAMED + 5)
    )
    found = ledger.of_integration(centra.integration)
    assert len(ledger.missing(centra.integration)) == ledger.NAMED
    assert (found["shown"], found["here"], found["lost"]) == (25, 0, 25)
