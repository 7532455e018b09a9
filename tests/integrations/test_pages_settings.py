"""The settings of an integration: what is offered, kept and refused; an earlier time only after the list was seen."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from integrations import sync
from integrations.connectors import preview
from integrations.models import Integration, SyncRun, SyncState
from merchants.models import Merchant, User
from orders.intake import intake
from orders.models import Order, SeenOrder, Verdict
from sandbox.models import Order as ShopOrder
from sandbox.models import PluginMethod, Shop, Size, Wanted
from tests import factories
from tests.integrations import filled

SINCE = datetime(2026, 11, 20, 8, 30, 17, tzinfo=UTC)


@pytest.fixture
def plugin(live_server: LiveServer) -> PluginMethod:
    shop = Shop.open("nordlys", time_zone="UTC")
    return shop.add_plugin(secret=filled.SECRET, order_statuses=[1, 2, 3, 4, 6])


@pytest.fixture
def size(plugin: PluginMethod) -> Size:
    return plugin.shop.add_size("FG1042", "-NVY", "-M", stock=10)


@pytest.fixture
def address(plugin: PluginMethod, live_server: LiveServer) -> str:
    return plugin.base_url(live_server.url)


@pytest.fixture
def merchant(plugin: PluginMethod, owner: User) -> Merchant:
    return factories.merchant(owner, name="Nordlys Store")


@pytest.fixture
def stored(merchant: Merchant, address: str) -> Integration:
    return factories.integration(merchant, base_url=address, secret=filled.SECRET, takes_orders_since=SINCE)


def edit_url(integration: Integration) -> str:
    return reverse("integrations:edit", args=[integration.merchant_id, integration.pk])


def new_url(merchant: Merchant) -> str:
    return reverse("integrations:new", args=[merchant.pk, "centra"])


def place(size: Size, ago: timedelta, pieces: int = 2, *, confirm: bool = True) -> ShopOrder:
    """An order of the shop, placed so long ago."""
    placed = size.shop.place_order([Wanted(size, pieces)])
    if confirm:
        placed.confirm()
    ShopOrder.objects.filter(pk=placed.pk).update(placed_at=timezone.now() - ago)
    return placed


def written(moment: datetime, zone: str = "UTC") -> str:
    return moment.strftime("%Y-%m-%dT%H:%M")


def save(page: Client, integration: Integration, **changes: Any) -> Any:
    sent = filled.form(integration.merchant, base_url=integration.base_url, **{"time_zone": "UTC", **changes})
    return page.post(edit_url(integration), sent)


# --- what is offered and kept --------------------------------------------------------------


def test_the_settings_are_folded_below_the_guide_s_fields(page: Client, merchant: Merchant) -> None:
    answer = page.get(new_url(merchant))
    sections = answer.context["form"].sections
    assert [section.title for section in sections] == ["Products", "Orders", "Payment and tracking", "Stock"]
    named = {field.name for section in sections for field in section.fields}
    assert named >= {"takes_orders_since", "captures", "sends_stock", "look_back_days"}
    text = answer.content.decode()
    folded = text.index('id="settings-products"')
    assert text.index('name="time_zone"') < folded < text.index('name="identifies_by"')
    assert not any(section.is_open for section in sections)


def test_a_section_with_an_error_is_open(page: Client, stored: Integration) -> None:
    form = save(page, stored, look_back_days="0").context["form"]
    assert [section.key for section in form.sections if section.is_open] == ["orders"]


def test_the_defaults_are_those_of_the_product(page: Client, merchant: Merchant, address: str) -> None:
    page.post(new_url(merchant), filled.form(merchant, base_url=address))
    made = merchant.integrations.get()
    assert timezone.now() - made.takes_orders_since < timedelta(minutes=1)
    assert (made.takes_pending, made.reads, made.captures) == (False, "orders", "hand-over")
    assert (made.sends_tracking, made.sends_stock, made.stock_as, made.safety_buffer) == (True, False, "physical", 0)
    assert (made.look_back_days, made.cancels_with_shop, made.is_paid_elsewhere) == (30, True, False)


def test_every_setting_is_kept(page: Client, stored: Integration) -> None:
    wanted = {
        "takes_pending": True,
        "reads": "shipments",
        "look_back_days": 90,
        "cancels_with_shop": False,
        "captures": "sent",
        "is_paid_elsewhere": True,
        "sends_tracking": False,
        "sends_stock": True,
        "stock_as": "available",
        "safety_buffer": 2,
    }
    sent = {
        name: {True: "on", False: ""}.get(value, value) if isinstance(value, bool) else value
        for name, value in wanted.items()
    }
    for name in ("cancels_with_shop", "sends_tracking"):
        sent[name] = ""
    form = filled.form(stored.merchant, base_url=stored.base_url, **sent)
    kept = {name: value for name, value in form.items() if value != "" or name in ("takes_orders_since",)}
    assert page.post(edit_url(stored), kept).status_code == 302
    stored.refresh_from_db()
    assert {name: getattr(stored, name) for name in wanted} == wanted


@pytest.mark.parametrize(
    ("field", "value"),
    [("look_back_days", "366"), ("look_back_days", "0"), ("look_back_days", "x"), ("safety_buffer", "-1")]
    + [("safety_buffer", "99999999999"), ("captures", "tomorrow"), ("reads", ""), ("stock_as", "imaginary")],
)
def test_nonsense_is_refused_on_its_field(page: Client, stored: Integration, field: str, value: str) -> None:
    form = save(page, stored, **{field: value, "name": "Fjord Goods"}).context["form"]
    assert list(form.errors) == [field]
    assert form["name"].value() == "Fjord Goods"


def test_who_may_only_look_sees_the_settings(stored: Integration, signed_in: Callable[[User], Client]) -> None:
    text = signed_in(factories.viewer(stored.merchant)).get(edit_url(stored)).content.decode()
    for words in ("Take orders placed since", "Confirmed, Processing", "Capture payment", "Safety buffer"):
        assert words in text


# --- the shop's warehouses -----------------------------------------------------------------


def test_the_shop_s_warehouses_are_offered_once_there_are_two(page: Client, stored: Integration) -> None:
    assert "warehouses_ours" not in page.get(edit_url(stored)).context["form"].fields
    for met, is_there in ((["Main"], False), (["Main", "Outlet"], True)):
        Integration.objects.filter(pk=stored.pk).update(warehouses_met=met)
        assert ("warehouses_ours" in page.get(edit_url(stored)).context["form"].fields) is is_there
    assert "Centra warehouses that are ours" in page.get(edit_url(stored)).content.decode()


def test_a_choice_of_warehouses_reads_all_orders_again(page: Client, stored: Integration) -> None:
    Integration.objects.filter(pk=stored.pk).update(warehouses_met=["Main", "Outlet"])
    assert save(page, stored, warehouses_ours=["Main"]).status_code == 302
    stored.refresh_from_db()
    assert (stored.warehouses_ours, stored.warehouses_met) == (["Main"], ["Main", "Outlet"])
    assert stored.state("intake").asked_by == "Kim Berg"


def test_a_warehouse_met_after_the_choice_is_decided_only_by_saying_so(page: Client, stored: Integration) -> None:
    chosen = {"warehouses_met": ["Main", "Outlet", "Hall"], "warehouses_ours": ["Main"]}
    Integration.objects.filter(pk=stored.pk).update(**chosen, warehouses_undecided=["Hall"])
    text = page.get(edit_url(stored)).content.decode()
    assert "“Hall” is not ours, unless ticked above" in text
    assert save(page, stored, warehouses_ours=["Main"], safety_buffer="3").status_code == 302
    stored.refresh_from_db()
    assert stored.warehouses_undecided == ["Hall"]  # saved for something else
    assert stored.state("intake").asked_at is None
    for words, ours in (({"leaves_others": "on"}, ["Main"]), ({}, ["Main", "Hall"])):
        Integration.objects.filter(pk=stored.pk).update(**chosen, warehouses_undecided=["Hall"])
        assert save(page, stored, warehouses_ours=ours, **words).status_code == 302
        stored.refresh_from_db()
        assert (stored.warehouses_ours, stored.warehouses_undecided) == (ours, [])
        assert stored.state("intake").asked_by == "Kim Berg"
    assert "leaves_others" not in page.get(edit_url(stored)).context["form"].fields


def test_a_warehouse_that_was_never_met_is_refused(page: Client, stored: Integration) -> None:
    Integration.objects.filter(pk=stored.pk).update(warehouses_met=["Main", "Outlet"])
    assert list(save(page, stored, warehouses_ours=["Moon"]).context["form"].errors) == ["warehouses_ours"]


def test_saving_what_changes_no_order_asks_for_none(page: Client, stored: Integration) -> None:
    stored.state("intake")
    assert save(page, stored, safety_buffer="3").status_code == 302
    assert stored.state("intake").asked_at is None


# --- stock ---------------------------------------------------------------------------------


def test_only_one_integration_tells_a_shop_about_a_warehouse(page: Client, stored: Integration) -> None:
    Integration.objects.filter(pk=stored.pk).update(sends_stock=True)
    two = factories.integration(stored.merchant, name="Wholesale", base_url=stored.base_url, secret=filled.SECRET)
    form = save(page, two, name="Wholesale", sends_stock="on").context["form"]
    assert list(form.errors) == ["sends_stock"]
    assert "Nordlys (Centra) tells this shop about the stock" in form.errors["sends_stock"][0]
    two.refresh_from_db()
    assert not two.sends_stock
    assert save(page, stored, sends_stock="on").status_code == 302


def test_a_stranger_s_integration_is_not_named(page: Client, stored: Integration) -> None:
    other = factories.merchant()
    theirs = factories.integration(
        other, name="Secret", base_url=stored.base_url, warehouse=stored.warehouse, sends_stock=True
    )
    theirs.states.filter(pipe="refresh").update(answered_at=timezone.now())
    (text,) = save(page, stored, sends_stock="on").context["form"].errors["sends_stock"]
    assert "Another integration" in text
    assert "Secret" not in text


def test_a_stranger_who_typed_the_shop_s_address_is_in_nobody_s_way(
    page: Client, stored: Integration, signed_in: Callable[[User], Client]
) -> None:
    """The shop never took their key. The other way round the merchant is in theirs, whose key it took."""
    stranger = factories.user()
    other = factories.merchant(stranger)
    other.warehouses.set([stored.warehouse])
    theirs = factories.integration(other, base_url=stored.base_url, sends_stock=True)
    assert save(page, stored, sends_stock="on").status_code == 302
    stored.refresh_from_db()
    assert stored.sends_stock
    Integration.objects.filter(pk=theirs.pk).update(sends_stock=False)
    stored.states.filter(pipe="intake").update(answered_at=timezone.now())
    (text,) = save(signed_in(stranger), theirs, sends_stock="on").context["form"].errors["sends_stock"]
    assert "Another integration" in text
    theirs.refresh_from_db()
    assert not theirs.sends_stock


def test_the_answers_of_one_shop_prove_nothing_about_another(
    page: Client, stored: Integration, signed_in: Callable[[User], Client]
) -> None:
    """A stranger's own shop took their key; then they typed somebody else's address."""
    stranger = factories.user()
    other = factories.merchant(stranger)
    other.warehouses.set([stored.warehouse])
    theirs = factories.integration(other, base_url="https://fjord.centra.com/api/order-api", sends_stock=True)
    theirs.states.update(answered_at=timezone.now())
    sent = filled.form(other, base_url=stored.base_url, secret=filled.SECRET, sends_stock="on")
    assert signed_in(stranger).post(edit_url(theirs), sent).status_code == 302
    theirs.refresh_from_db()
    assert (theirs.shop, theirs.sends_stock) == (stored.shop, True)
    assert not theirs.states.filter(answered_at__isnull=False).exists()
    assert save(page, stored, sends_stock="on").status_code == 302
    stored.refresh_from_db()
    assert stored.sends_stock


# --- take orders placed since --------------------------------------------------------------


def test_the_time_is_shown_and_typed_in_the_integration_s_zone(page: Client, stored: Integration) -> None:
    Integration.objects.filter(pk=stored.pk).update(time_zone="Europe/Helsinki")
    answer = page.get(edit_url(stored))
    assert 'value="2026-11-20T10:30"' in answer.content.decode()
    assert "Helsinki" in str(answer.context["form"]["takes_orders_since"].help_text)
    later = {"takes_orders_since": "2026-11-21T10:30", "time_zone": "Europe/Helsinki"}
    assert save(page, stored, **later).status_code == 302
    stored.refresh_from_db()
    assert stored.takes_orders_since == datetime(2026, 11, 21, 8, 30, tzinfo=UTC)


@pytest.mark.parametrize("zone", ["Europe/Stockholm", "Asia/Tokyo"])
def test_what_was_not_touched_stays_to_the_second(page: Client, stored: Integration, zone: str) -> None:
    shown = page.get(edit_url(stored)).context["form"]["takes_orders_since"].value()
    assert save(page, stored, takes_orders_since=shown, time_zone=zone).status_code == 302
    stored.refresh_from_db()
    assert stored.takes_orders_since == SINCE


@pytest.mark.parametrize(
    "typed", ["0001-01-01T00:00", "9999-12-31T23:59", "1999-01-01T00:00", "soon", "2026-13-45T10:00"]
)
def test_a_time_out_of_the_air_is_refused(page: Client, stored: Integration, typed: str) -> None:
    assert list(save(page, stored, takes_orders_since=typed).context["form"].errors) == ["takes_orders_since"]


def test_an_earlier_time_is_saved_only_after_its_orders_were_shown(
    page: Client, stored: Integration, size: Size
) -> None:
    now = timezone.now()
    Integration.objects.filter(pk=stored.pk).update(takes_orders_since=now - timedelta(hours=1), time_zone="UTC")
    wanted, early = place(size, timedelta(days=2)), place(size, timedelta(days=9))
    fresh, cancelled = place(size, timedelta(minutes=5)), place(size, timedelta(days=1))
    cancelled.cancel()
    earlier = now - timedelta(days=3)

    shown = save(page, stored, takes_orders_since=written(earlier), name="Fjord Goods")
    assert shown.status_code == 200
    coming = shown.context["coming"]
    assert [row.number for row in coming.rows] == [str(wanted.number)]
    assert (coming.closed, coming.is_cut) == (1, False)
    text = shown.content.decode()
    assert "1 order would come in" in text
    assert 'value="Fjord Goods"' in text
    assert written(earlier) in text
    assert str(early.number) not in text
    assert str(fresh.number) not in text
    stored.refresh_from_db()
    assert stored.name == "Nordlys"
    assert stored.takes_orders_since > earlier + timedelta(days=1)

    confirmed = {"confirmed": shown.context["form"].confirmation, "name": "Fjord Goods"}
    assert save(page, stored, takes_orders_since=written(earlier), **confirmed).status_code == 302
    stored.refresh_from_db()
    assert stored.takes_orders_since == earlier.replace(second=0, microsecond=0)
    assert stored.name == "Fjord Goods"
    assert stored.state("intake").asked_at is not None

    run = sync.run(stored.state("intake").pk, intake)
    assert run is not None
    assert run.outcome == SyncRun.Outcome.SUCCEEDED
    numbers = {number for number in Order.objects.values_list("number", flat=True)}
    assert numbers == {str(wanted.number), str(fresh.number)}


def test_a_confirmation_is_for_that_time_alone(page: Client, stored: Integration, size: Size) -> None:
    now = timezone.now()
    Integration.objects.filter(pk=stored.pk).update(takes_orders_since=now, time_zone="UTC")
    place(size, timedelta(days=2))
    shown = save(page, stored, takes_orders_since=written(now - timedelta(days=3)))
    confirmation = shown.context["form"].confirmation
    again = save(page, stored, takes_orders_since=written(now - timedelta(days=30)), confirmed=confirmation)
    assert again.status_code == 200
    assert again.context["coming"]
    stored.refresh_from_db()
    assert stored.takes_orders_since == now


def test_a_new_integration_shows_the_list_as_well(page: Client, merchant: Merchant, address: str, size: Size) -> None:
    place(size, timedelta(days=2))
    earlier = written(timezone.now() - timedelta(days=3))
    sent = filled.form(merchant, base_url=address, takes_orders_since=earlier, time_zone="UTC")
    shown = page.post(new_url(merchant), sent)
    assert len(shown.context["coming"].rows) == 1
    assert not merchant.integrations.exists()
    page.post(new_url(merchant), {**sent, "confirmed": shown.context["form"].confirmation})
    assert merchant.integrations.get().takes_orders_since < timezone.now() - timedelta(days=2)


def test_where_nothing_would_come_in_nobody_is_asked(page: Client, stored: Integration, size: Size) -> None:
    earlier = timezone.now() - timedelta(days=300)
    assert save(page, stored, takes_orders_since=written(earlier)).status_code == 302
    stored.refresh_from_db()
    assert stored.takes_orders_since == earlier.replace(second=0, microsecond=0)


def test_more_than_can_be_shown_is_said_so(
    page: Client, stored: Integration, size: Size, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "SHOWN", 2)
    Integration.objects.filter(pk=stored.pk).update(takes_orders_since=timezone.now())
    for _each in range(3):
        place(size, timedelta(days=2))
    shown = save(page, stored, takes_orders_since=written(timezone.now() - timedelta(days=3)))
    assert "More than 2 orders would come in" in " ".join(shown.content.decode().split())


def test_without_a_list_an_earlier_time_is_not_saved(page: Client, stored: Integration, size: Size) -> None:
    place(size, timedelta(days=2))
    size.shop.break_endpoint("GET orders", "refused", times=None)
    Integration.objects.filter(pk=stored.pk).update(takes_orders_since=timezone.now())
    form = save(page, stored, takes_orders_since=written(timezone.now() - timedelta(days=3))).context["form"]
    assert list(form.errors) == ["takes_orders_since"]
    assert "cannot be shown" in form.errors["takes_orders_since"][0]


def test_a_later_time_needs_no_list(page: Client, stored: Integration) -> None:
    later = timezone.now() + timedelta(days=1)
    assert save(page, stored, takes_orders_since=written(later)).status_code == 302
    stored.refresh_from_db()
    assert stored.takes_orders_since == later.replace(second=0, microsecond=0)


# --- buttons -------------------------------------------------------------------------------


def test_look_again_now_asks_for_all_orders(page: Client, stored: Integration) -> None:
    state = stored.state("intake")
    later = timezone.now() + timedelta(hours=1)
    SyncState.objects.filter(pk=state.pk).update(last_succeeded_at=timezone.now(), next_run_at=later)
    assert "Look again now" in page.get(edit_url(stored)).content.decode()
    page.post(reverse("integrations:pipe", args=[stored.merchant_id, stored.pk, "intake"]), {"act": "look"})
    state.refresh_from_db()
    assert state.asked_by == "Kim Berg"
    assert state.next_run_at <= timezone.now()


def test_what_was_left_as_older_comes_in_after_an_earlier_time(page: Client, stored: Integration, size: Size) -> None:
    """Polls look three hours further back than orders are taken: what they left then is looked at again."""
    now = timezone.now()
    Integration.objects.filter(pk=stored.pk).update(takes_orders_since=now - timedelta(hours=1), time_zone="UTC")
    placed = place(size, timedelta(hours=2))
    state = stored.state("intake")
    sync.run(state.pk, intake)
    assert not Order.objects.exists()
    earlier = {"takes_orders_since": written(now - timedelta(hours=5))}
    shown = save(page, stored, **earlier)
    save(page, stored, **earlier, confirmed=shown.context["form"].confirmation)
    run = sync.run(state.pk, intake)
    assert Order.objects.get().number == str(placed.number)
    assert SeenOrder.objects.get().verdict == Verdict.TAKEN
    assert run is not None
    assert run.counts["skipped"] == 0
    assert stored.state("intake").remembers["ledger"]["skipped"] == {}
