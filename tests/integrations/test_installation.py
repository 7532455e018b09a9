"""A database that is not ours talks to no shop; while writing is stopped, shops are only read; nothing is lost."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.conf import LazySettings
from django.contrib.admin.models import LogEntry
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations import doorbell, installation, pipes, sync
from integrations.connectors import connect, gate
from integrations.connectors.base import Allowed, Credentials, NewShipment, StockFigure
from integrations.connectors.errors import Closed
from integrations.installation import Installation
from integrations.models import SyncRun, SyncState
from integrations.probe import probe
from merchants.models import Merchant, User
from orders import handover
from orders.models import Order, Status
from products import stock
from products.refresh import refresh
from tests import factories
from tests.conftest import Centra
from tests.orders.desk import Desk
from tests.products.stocked import one_turn, shelf, switch_on, tell, watch

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The rows whose doorbell was rung."""
    rung: list[int] = []
    monkeypatch.setattr(doorbell, "send", lambda task, pk: rung.append(pk))
    return rung


def moved_elsewhere() -> None:
    """As if this database were restored in another installation."""
    Installation.objects.update(name="production")


def stop_writing() -> None:
    installation.current().stop_writing("Sam Staff")


def allow_writing() -> None:
    installation.current().allow_writing()


def asked(centra: Centra) -> list[str]:
    return list(centra.plugin.calls.values_list("endpoint", flat=True))


def credentials(centra: Centra) -> Credentials:
    return Credentials(centra.integration.base_url, centra.integration.secret.reveal())


# --- whose it is ----------------------------------------------------------------------------


def test_a_new_database_is_ours(settings: LazySettings) -> None:
    assert Installation.objects.get().name == settings.INSTALLATION  # migrate has written it
    Installation.objects.all().delete()
    assert installation.current().is_ours
    assert Installation.objects.get().name == settings.INSTALLATION


def test_migrating_a_copy_does_not_make_it_ours(settings: LazySettings) -> None:
    moved_elsewhere()
    call_command("migrate", verbosity=0)
    assert Installation.objects.get().name == "production"


def test_until_somebody_answers_nothing_is_let_through(centra: Centra) -> None:
    before = gate.asks(gate._nobody_answers)
    try:
        with pytest.raises(Closed):
            centra.integration.connect()
    finally:
        gate.asks(before)


# --- a copy ---------------------------------------------------------------------------------


def test_a_copy_asks_no_shop_anything_and_its_rows_stay_due(centra: Centra, sent: list[int]) -> None:
    watch(centra)
    state = centra.integration.state("refresh")
    moved_elsewhere()
    assert sync.tick() == 0
    assert sent == []
    assert sync.run(state.pk, refresh) is None
    with pytest.raises(Closed, match="belongs to the installation “production”"):
        centra.integration.connect()
    assert probe("centra", credentials(centra)).warning.startswith("This is a copy")
    state.refresh_from_db()
    assert (state.failed_attempts, state.leased_until, state.is_under_way) == (0, None, False)
    assert SyncState.objects.due(timezone.now()).count() == len(pipes.PIPES)
    assert asked(centra) == []
    assert not SyncRun.objects.exists()


def test_a_run_under_way_when_the_database_is_no_longer_ours_writes_nothing_more(centra: Centra) -> None:
    one = shelf(centra, shown=1, on_hand=5)
    switch_on(centra.integration)
    shop = centra.integration.connect()
    moved_elsewhere()
    with shop, pytest.raises(Closed):
        shop.push_stock([StockFigure(one.size.full_sku, 5)])
    assert one.physical == 1


@pytest.mark.parametrize("where", ["integrations:list", "orders:front_page", "products:list"])
def test_every_page_of_a_copy_says_so(page: Client, merchant: Merchant, where: str) -> None:
    url = reverse(where, args=[merchant.pk])
    assert "No shop is talked to." not in page.get(url).content.decode()
    moved_elsewhere()
    assert "No shop is talked to." in page.get(url).content.decode()


def test_the_desk_and_the_entrance_of_a_copy_say_so(client: Client, admin_client: Client) -> None:
    moved_elsewhere()
    for browser, url in ((admin_client, reverse("admin:index")), (client, reverse("account_login"))):
        assert "belongs to the installation “production”" in browser.get(url).content.decode()


def test_the_health_of_a_copys_integration_says_why(merchant: Merchant) -> None:
    shop = factories.integration(merchant)
    moved_elsewhere()
    assert (shop.health().word, "This is a copy" in shop.health().sentence) == ("waiting", True)


def test_saving_an_integration_in_a_copy_warns_and_asks_nothing(page: Client, merchant: Merchant) -> None:
    moved_elsewhere()
    url = reverse("integrations:new", args=[merchant.pk, "centra"])
    fields = {
        "name": "Fjord",
        "base_url": "https://fjord.centra.com/api/order-api",
        "secret": "a-secret-api-key",
        "warehouse": merchant.warehouses.get().pk,
        "time_zone": "Europe/Oslo",
    }
    text = page.post(url, fields, follow=True).content.decode()
    assert "This is a copy" in text


# --- taking over ----------------------------------------------------------------------------


def take_over(*words: str) -> str:
    out = io.StringIO()
    call_command("takeover", *words, stdout=out)
    return out.getvalue()


def test_one_command_opens_a_copy_for_reading_and_forgets_what_was_told(centra: Centra, sent: list[int]) -> None:
    one = shelf(centra, shown=10, on_hand=10)
    switch_on(centra.integration)
    tell(centra.integration)
    SyncState.objects.update(leased_until=timezone.now() + timedelta(hours=1), lease="of a dead worker")
    moved_elsewhere()
    said = take_over("--yes")
    assert "1 integrations are looked at whole; 1 figures" in said
    assert installation.current().is_ours
    assert one.figure.told is None
    reading = {state.pk for state in SyncState.objects.all() if not pipes.PIPES[state.pipe].writes}
    assert sync.tick() == len(reading) == 2
    assert set(sent) == reading  # writing is stopped until staff allow it
    assert all(SyncState.objects.get(pk=pk).asked_at for pk in reading)
    allow_writing()
    assert sync.tick() == 2
    record = one_turn(centra.integration)
    assert record.counts["read back"] == 1
    assert one.figure.told == 10


@pytest.mark.django_db
def test_where_nobody_can_be_asked_nobody_takes_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """A script without a terminal gets a sentence and no traceback."""
    moved_elsewhere()
    monkeypatch.setattr("sys.stdin", io.StringIO())
    with pytest.raises(CommandError, match="--yes"):
        take_over()
    assert not installation.current().is_ours


def test_taking_over_can_keep_writing_and_done_twice_does_nothing(centra: Centra) -> None:
    moved_elsewhere()
    take_over("--yes", "--keep-writing")
    assert not installation.current().is_writing_stopped
    SyncState.objects.update(asked_at=None)
    assert "Nothing was done" in take_over("--yes")
    assert not SyncState.objects.filter(asked_at__isnull=False).exists()


def test_without_a_yes_nothing_is_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    moved_elsewhere()
    monkeypatch.setattr("builtins.input", lambda prompt: "no")
    with pytest.raises(CommandError):
        take_over()
    assert not installation.current().is_ours


def test_an_order_sent_since_the_backup_is_read_before_it_is_told(centra: Centra) -> None:
    desk = Desk(centra)
    there, order = desk.order()
    desk.mark(order)
    desk.run()
    desk.ship(order)
    backup = Order.objects.get(pk=order.pk)
    desk.run()  # told: after the backup
    backup.save()
    moved_elsewhere()
    take_over("--yes", "--keep-writing")
    centra.plugin.calls.all().delete()
    watch(centra)
    desk.run_twice()
    order.refresh_from_db()
    assert order.told_at is not None
    assert "PUT shipment" not in asked(centra)
    assert there.shipments.filter(shipped_at__isnull=False).count() == 1


# --- writing is stopped -----------------------------------------------------------------------


def test_while_writing_is_stopped_stock_waits_and_goes_on_where_it_was(centra: Centra, sent: list[int]) -> None:
    one = shelf(centra, shown=10, on_hand=10)
    switch_on(centra.integration)
    tell(centra.integration)
    one.put(4)
    stop_writing()
    state = centra.integration.state("stock")
    SyncState.objects.update(next_run_at=timezone.now(), rung_at=None)
    assert sync.run(state.pk, stock.push) is None
    assert sync.tick() == 2  # refresh and intake
    assert one.physical == 10
    health = centra.integration.state("stock").health()
    assert (health.word, "All writing to shops is stopped" in health.sentence) == ("waiting", True)
    assert centra.integration.state("refresh").health().word != "waiting"
    allow_writing()
    tell(centra.integration)
    assert one.physical == 4


def test_reading_goes_on_while_writing_is_stopped(centra: Centra) -> None:
    centra.shop.add_size("FG1042", "-NVY", "-M")
    stop_writing()
    record = sync.run(centra.integration.state("refresh").pk, refresh)
    assert record is not None
    assert record.outcome == SyncRun.Outcome.SUCCEEDED
    assert centra.integration.webshop_products.get().sku == "FG1042-NVY-M"


def test_stopped_between_reading_and_writing_an_order_is_not_handed_over_and_keeps_no_wait(centra: Centra) -> None:
    """The switch is thrown in the middle of a run: the next write is not made, and nothing is taken for sent."""
    desk = Desk(centra)
    there, order = desk.order()
    desk.mark(order)

    def stop_then_hand_over(run: sync.Run) -> None:
        stop_writing()
        handover.hand_over(run)

    record = sync.run(desk.state().pk, stop_then_hand_over)
    assert record is not None
    order.refresh_from_db()
    state = desk.state()
    assert (order.status, order.wait_until is None or order.wait_until <= timezone.now()) == (Status.NEW, True)
    assert (state.failed_attempts, state.last_error, state.leased_until) == (0, "", None)
    assert not there.shipments.exists()
    allow_writing()
    desk.run_twice()
    order.refresh_from_db()
    assert order.status == Status.COLLECTING
    assert there.shipments.count() == 1


def test_stopped_in_the_middle_of_a_stock_push_nothing_counts_as_told(centra: Centra) -> None:
    one = shelf(centra, shown=10, on_hand=4)
    switch_on(centra.integration)

    def stop_then_push(run: sync.Run) -> None:
        stop_writing()
        stock.push(run)

    sync.run(centra.integration.state("stock").pk, stop_then_push)
    assert (one.physical, one.figure.told, one.figure.asked) == (10, None, None)
    allow_writing()
    tell(centra.integration)
    assert (one.physical, one.figure.told) == (4, 4)


WRITES: dict[str, Callable[[object], object]] = {
    "push_stock": lambda shop: shop.push_stock([StockFigure("FG1", 1)]),  # type: ignore[attr-defined]
    "create_shipment": lambda shop: shop.create_shipment(NewShipment("1", (("1", 1),), capture=True)),  # type: ignore[attr-defined]
}


@pytest.mark.parametrize("write", WRITES)
def test_no_write_slips_through_a_connection_that_is_open_already(centra: Centra, write: str) -> None:
    watch(centra)
    with connect("centra", credentials(centra)) as shop:
        stop_writing()
        with pytest.raises(Closed, match="stopped"):
            WRITES[write](shop)
    assert asked(centra) == []


def test_the_test_asks_what_reads_and_says_what_it_did_not_ask(centra: Centra) -> None:
    watch(centra)
    stop_writing()
    found = {right.right.value: right for right in probe("centra", credentials(centra)).rights}
    assert [found[key].allowed for key in ("read products", "read orders")] == [Allowed.YES, Allowed.YES]
    for key in ("write stock", "write shipments"):
        assert found[key].allowed is Allowed.UNKNOWN
        assert found[key].detail.startswith("Not asked: All writing to shops is stopped")
    assert all(endpoint.startswith("GET ") for endpoint in asked(centra))


def test_merchants_see_it_on_their_integrations_and_staff_everywhere(
    page: Client, owner: User, merchant: Merchant
) -> None:
    stop_writing()
    banner = "Nothing is written to shops."
    urls = {name: reverse(name, args=[merchant.pk]) for name in ("integrations:list", "products:list")}
    assert banner in page.get(urls["integrations:list"]).content.decode()
    assert banner not in page.get(urls["products:list"]).content.decode()
    User.objects.filter(pk=owner.pk).update(is_staff=True)
    assert banner in page.get(urls["products:list"]).content.decode()


# --- the switch -------------------------------------------------------------------------------

DESK = "/admin/integrations/installation/"


def test_staff_stop_and_allow_writing_with_who_and_when(admin_client: Client) -> None:
    assert "Stop all writing to shops" in admin_client.get(DESK).content.decode()
    admin_client.post(DESK, {"wish": "stop", "sure": "on"})
    here = installation.current()
    assert here.is_writing_stopped
    assert here.writing_stopped_by
    text = admin_client.get(DESK).content.decode()
    assert "Allow writing to shops" in text
    assert f"by {here.writing_stopped_by}" in " ".join(text.split())
    admin_client.post(DESK, {"wish": "stop", "sure": "on"})  # pressed again, it is no toggle
    assert installation.current().writing_stopped_at == here.writing_stopped_at
    admin_client.post(DESK, {"wish": "allow", "sure": "on"})
    assert not installation.current().is_writing_stopped
    assert LogEntry.objects.count() == 2


def test_the_switch_wants_to_be_sure(admin_client: Client) -> None:
    admin_client.post(DESK, {"wish": "stop"})
    assert not installation.current().is_writing_stopped


def test_the_switch_is_for_those_who_may(client: Client, signed_in: Callable[[User], Client]) -> None:
    for user in (factories.user(), factories.user(is_staff=True)):
        answer = signed_in(user).post(DESK, {"wish": "stop", "sure": "on"})
        assert answer.status_code in (302, 403)
    assert not installation.current().is_writing_stopped


def test_the_desk_counts_what_was_not_looked_at_since_the_takeover(admin_client: Client, centra: Centra) -> None:
    moved_elsewhere()
    take_over("--yes")
    assert "1 integration was not looked at whole" in " ".join(admin_client.get(DESK).content.decode().split())
    SyncState.objects.update(completed_at=timezone.now())
    assert "not looked at whole" not in admin_client.get(DESK).content.decode()


def test_a_page_asks_once_however_many_integrations_it_shows(page: Client, merchant: Merchant) -> None:
    for _number in range(3):
        factories.integration(merchant)
    url = reverse("integrations:list", args=[merchant.pk])
    with CaptureQueriesContext(connection) as queries:
        page.get(url)
    assert sum("integrations_installation" in query["sql"] for query in queries) == 1
