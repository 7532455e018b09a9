"""A Store Hash on another host, typed into the form: the same shop at a new address, or another shop.

The sandbox answers at two hosts, so both sides are looked at after every pipe ran twice.
"""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations import probe, sync, views
from integrations.connectors.base import Credentials
from integrations.connectors.centra.connector import CentraConnector
from integrations.models import Integration, SyncRun, SyncState
from merchants.models import User
from orders import deciding, moves, promise, taking
from orders.intake import intake
from orders.models import Cause, Order, SeenOrder, Shipment, Status, Verdict
from products.models import Reservation, Stock
from sandbox.models import Order as ShopOrder
from tests import factories
from tests.conftest import Centra
from tests.integrations import filled
from tests.orders.desk import PARCEL
from tests.orders.shop import Goods, active_method, buy, goods, look, ours

pytestmark = pytest.mark.django_db(transaction=True)

KEY = "a-secret-api-key"
Post = Callable[..., Any]


def moved(base_url: str) -> str:
    """The same sandbox at its other host."""
    return base_url.replace("localhost", "127.0.0.1")


def host(centra: Centra) -> str:
    return Integration.objects.get(pk=centra.integration.pk).shop


@pytest.fixture
def sweater(centra: Centra) -> Goods:
    active_method(centra)
    return goods(centra)


@pytest.fixture
def kim(centra: Centra) -> User:
    user = factories.user(name="Kim Berg")
    centra.integration.merchant.link(user)
    return user


@pytest.fixture
def browser(kim: User, signed_in: Callable[[User], Client]) -> Client:
    return signed_in(kim)


def url(integration: Integration) -> str:
    return reverse("integrations:edit", args=[integration.merchant_id, integration.pk])


def typed(integration: Integration, **changes: Any) -> dict[str, Any]:
    """The form of the integration with the other address."""
    sent = filled.form(integration.merchant, name=integration.name, secret=KEY, base_url=moved(integration.base_url))
    return {**sent, **changes}


@pytest.fixture
def save(browser: Client, centra: Centra) -> Post:
    """Save, with the other address; follows where it leads."""

    def post(which: str = "", integration: Integration | None = None, **changes: Any) -> Any:
        of = integration or centra.integration
        sent = typed(of, **({"which_shop": which} if which else {}), **changes)
        answer = browser.post(url(of), sent, follow=True)
        centra.integration.refresh_from_db()
        return answer

    return post


def errors(answer: Any) -> dict[str, list[str]]:
    """What the form that came back says, by field; nothing where it was saved."""
    form = answer.context and answer.context.get("form")
    return {name: list(said) for name, said in form.errors.items()} if form else {}


def read_all(centra: Centra) -> None:
    """Every pipe, twice."""
    for _time in range(2):
        look(centra, "refresh", ask=True)
        look(centra, ask=True)
        look(centra, "hand-over")
        promise.settle()
        deciding.decide_held()


def mark(order: ShopOrder, centra: Centra) -> None:
    moves.ask_to_hand_over(ours(order), "Staff")
    look(centra, "hand-over")
    assert ours(order).status == Status.COLLECTING


def ship(order: ShopOrder) -> None:
    moves.ship(ours(order), PARCEL, "Staff")


def in_shop(order: ShopOrder) -> list[tuple[bool, int]]:
    """Its shipments there: sent, and how often the money was taken."""
    return [(one.is_sent, one.captures) for one in order.shipments.all()]


# --- asked ---------------------------------------------------------------------------------


def test_another_host_is_not_saved_in_silence(centra: Centra, sweater: Goods, save: Post) -> None:
    orders = [buy(centra, {sweater.size: 1}) for _number in range(3)]
    look(centra)
    mark(orders[0], centra)
    mark(orders[1], centra)
    ship(orders[1])
    before = host(centra)
    answer = save()
    (said,) = errors(answer)["base_url"]
    assert said == (
        f"This is another address than {before}. 3 orders of {before} are not finished, of them 1 with the warehouse. "
        "1 is shipped and not told yet. 1 item of it is linked to a product. Say below which shop it is."
    )
    text = answer.content.decode()
    assert text.count('type="radio" name="which_shop"') == 2
    assert "Which shop is at this address?</legend>" in text
    assert 'name="which_shop" value="same" checked' not in text
    assert host(centra) == before


def test_where_only_finished_orders_are_here_it_is_asked_too(centra: Centra, save: Post) -> None:
    factories.order(
        centra.integration.merchant, integration=centra.integration, shop=host(centra), status=Status.CANCELLED
    )
    assert f"1 order of {host(centra)} is here, finished." in errors(save())["base_url"][0]


def test_what_another_integration_took_of_that_shop_is_asked_for(centra: Centra, save: Post) -> None:
    factories.order(centra.integration.merchant, integration=None, shop=host(centra), status=Status.NEW)
    assert "1 order of" in errors(save())["base_url"][0]


def test_linked_items_alone_are_asked_for(centra: Centra, sweater: Goods, save: Post) -> None:
    assert "1 item of it is linked to a product." in errors(save())["base_url"][0]


def test_where_nothing_is_kept_nothing_is_asked(centra: Centra, save: Post) -> None:
    answer = save()
    assert not errors(answer)
    assert host(centra).startswith("127.0.0.1")


def test_the_same_host_is_not_asked(centra: Centra, sweater: Goods, save: Post, browser: Client) -> None:
    assert 'name="which_shop"' not in browser.get(url(centra.integration)).content.decode()
    answer = save(base_url=centra.integration.base_url, name="Fjord")
    assert 'name="which_shop"' not in answer.content.decode()
    assert Integration.objects.get().name == "Fjord"


def test_test_asks_nothing_and_saves_nothing(centra: Centra, sweater: Goods, save: Post) -> None:
    before = host(centra)
    answer = save(act="test")
    assert errors(answer) == {}
    assert 'name="which_shop"' in answer.content.decode()
    assert host(centra) == before


def test_the_choice_stays_when_the_form_comes_back(centra: Centra, sweater: Goods, save: Post) -> None:
    before = host(centra)
    answer = save("same", name="")
    assert set(errors(answer)) == {"name"}
    assert 'name="which_shop" value="same"' in answer.content.decode()
    assert answer.context["form"]["which_shop"].value() == "same"
    assert " checked" in answer.content.decode().split('name="which_shop" value="same"')[1].split(">")[0]
    assert host(centra) == before


def test_an_answer_that_is_none_is_refused(centra: Centra, sweater: Goods, save: Post) -> None:
    before = host(centra)
    assert "which_shop" in errors(save("mine"))
    assert host(centra) == before


def test_a_key_that_the_address_refuses_is_said_first(centra: Centra, sweater: Goods, save: Post) -> None:
    assert set(errors(save("same", secret="wrong"))) == {"secret"}
    assert not host(centra).startswith("127.0.0.1")


# --- the same shop -------------------------------------------------------------------------


def test_the_same_shop_takes_everything_along_and_nothing_comes_twice(
    centra: Centra, sweater: Goods, save: Post
) -> None:
    begun, sent, told, new = (buy(centra, {sweater.size: 1}) for _number in range(4))
    look(centra)
    for order in (begun, sent, told):
        mark(order, centra)
    ship(told)
    look(centra, "hand-over")
    ship(sent)
    before = host(centra)
    save("same")
    now = host(centra)
    assert (before, now) == (now.replace("127.0.0.1", "localhost"), now)
    assert set(Order.objects.values_list("shop", flat=True)) == {now}
    assert set(Shipment.objects.values_list("shop", flat=True)) == {now}
    assert set(Reservation.objects.values_list("shop", flat=True)) == {now}
    read_all(centra)
    assert Order.objects.count() == 4
    assert set(SeenOrder.objects.values_list("verdict", flat=True)) == {Verdict.TAKEN}
    moves.ask_to_hand_over(ours(new), "Staff")
    look(centra, "hand-over")
    ship(new)
    ship(begun)
    read_all(centra)
    for order in (begun, sent, told, new):
        here = ours(order)
        assert (here.status, here.told_at is not None, here.tell_error) == (Status.SHIPPED, True, "")
        assert in_shop(order) == [(True, 1)]
    stock = Stock.objects.get()
    assert (stock.on_hand, stock.reserved) == (6, 0)


def test_the_story_says_who_and_the_activity_too(centra: Centra, sweater: Goods, save: Post) -> None:
    open_, closed = (buy(centra, {sweater.size: 1}) for _number in range(2))
    look(centra)
    moves.cancel(ours(closed), "Kim Berg")
    before = host(centra)
    said = save("same").content.decode()
    assert f"{host(centra)} is the same shop: what was here of {before} went along." in said
    told = ours(open_).events.get(text__contains="at a new address")
    assert (told.who, before in told.text, host(centra) in told.text) == ("Kim Berg", True, True)
    assert not ours(closed).events.filter(text__contains="at a new address").exists()
    record = SyncRun.objects.get(pipe="address")
    assert (record.asked_by, record.counts, record.outcome) == ("Kim Berg", {"moved": 2}, "succeeded")
    assert record.kind == f"same shop, now {host(centra)}"[:40]


def test_the_activity_shows_it(centra: Centra, sweater: Goods, save: Post) -> None:
    text = save("same").content.decode()
    assert "Store Hash · same shop, now" in text


def test_what_waits_for_a_lost_answer_is_found_at_the_new_address(centra: Centra, sweater: Goods, save: Post) -> None:
    order = buy(centra, {sweater.size: 1})
    look(centra)
    mark(order, centra)
    # The row is as it is committed before the call: its answer was lost.
    Shipment.objects.update(external_id="", made_at=None)
    Order.objects.update(status=Status.NEW, collected_at=None)
    save("same")
    read_all(centra)
    assert in_shop(order) == [(False, 1)]
    assert Order.objects.count() == 1


def test_orders_of_other_merchants_stay(centra: Centra, sweater: Goods, save: Post) -> None:
    before = host(centra)
    stranger = factories.order(factories.merchant(), integration=None, shop=before)
    save("same")
    stranger.refresh_from_db()
    assert stranger.shop == before


def test_numbers_that_are_there_already_are_refused(centra: Centra, sweater: Goods, save: Post) -> None:
    order = buy(centra, {sweater.size: 1})
    look(centra)
    before, now = host(centra), host(centra).replace("localhost", "127.0.0.1")
    factories.order(centra.integration.merchant, shop=now, number=str(order.number))
    (said,) = errors(save("same"))["which_shop"]
    assert said == (
        f"It cannot become the same shop: of {now} there is an order {order.number} here already, and of {before} as "
        "well."
    )
    assert host(centra) == before
    assert ours_of(order, before) == 1


def ours_of(order: ShopOrder, shop: str) -> int:
    return Order.objects.filter(number=str(order.number), shop=shop).count()


def test_there_and_back_again_is_one_shop(centra: Centra, sweater: Goods, save: Post) -> None:
    order = buy(centra, {sweater.size: 1})
    look(centra)
    first = centra.integration.base_url
    save("same")
    save("same", base_url=first)
    read_all(centra)
    assert ours(order).shop == host(centra)
    assert Order.objects.count() == 1
    mark(order, centra)


# --- others that point there ---------------------------------------------------------------


def fellow(centra: Centra, secret: str) -> Integration:
    """Another integration with that shop, through a plugin of its own."""
    centra.shop.add_plugin("wholesale", secret)
    address = centra.integration.base_url.replace("/nordlys/api/order-api", "/nordlys/api/wholesale")
    return factories.integration(centra.integration.merchant, base_url=address, secret=secret, name="Wholesale")


def test_another_integration_of_that_shop_goes_along_and_asks_for_its_token(
    centra: Centra, sweater: Goods, save: Post, browser: Client
) -> None:
    other = fellow(centra, "key-of-wholesale")
    order = buy(centra, {sweater.size: 1})
    look(centra)
    assert "“Wholesale” points at" in save().content.decode()
    answer = save("same")
    assert "“Wholesale” points at the new address too. Enter its API token again." in answer.content.decode()
    other.refresh_from_db()
    assert (other.shop, bool(other.secret)) == (host(centra), False)
    other_centra = Centra(centra.shop, centra.plugin, other)
    assert "Enter the API token again" in look(other_centra).error
    required = errors(browser.post(url(other), typed(other, secret="", base_url=other.base_url)))
    assert set(required) == {"secret"}
    browser.post(url(other), typed(other, secret="key-of-wholesale", base_url=other.base_url))
    other.refresh_from_db()
    look(other_centra, ask=True)
    read_all(centra)
    assert Order.objects.count() == 1
    assert SeenOrder.objects.get(integration=other).reason == "taken by Nordlys"
    mark(order, centra)


def test_a_token_that_was_typed_just_now_is_kept_by_both(centra: Centra, sweater: Goods, save: Post) -> None:
    other = fellow(centra, KEY)
    save("same")
    other.refresh_from_db()
    assert (other.shop, other.secret.reveal()) == (host(centra), KEY)


def test_at_a_new_address_no_answer_of_the_old_one_counts(centra: Centra, sweater: Goods, save: Post) -> None:
    """Else whoever types an address would keep its owner from sending stock there."""
    other = fellow(centra, KEY)
    SyncState.objects.update(answered_at=timezone.now())
    save("same")
    assert not SyncState.objects.filter(answered_at__isnull=False).exists()
    assert {one.integration_id for one in SyncState.objects.all()} == {centra.integration.pk, other.pk}


def test_one_that_would_tell_stock_twice_is_in_the_way(centra: Centra, sweater: Goods, save: Post) -> None:
    other = fellow(centra, KEY)
    Integration.objects.filter(pk=other.pk).update(sends_stock=True)
    factories.integration(centra.integration.merchant, base_url=moved(other.base_url), name="There", sends_stock=True)
    (said,) = errors(save("same"))["which_shop"]
    assert said.startswith("“Wholesale” would go along, and 127.0.0.1")
    assert not host(centra).startswith("127.0.0.1")


# --- another shop --------------------------------------------------------------------------


def test_another_shop_holds_what_is_not_begun(centra: Centra, sweater: Goods, save: Post) -> None:
    order = buy(centra, {sweater.size: 1})
    look(centra)
    before = host(centra)
    save("other")
    assert host(centra) != before
    read_all(centra)
    old, new = Order.objects.get(shop=before), Order.objects.get(shop=host(centra))
    assert (old.status, old.holds.filter(cause=Cause.NOT_SHOWN).count()) == (Status.RESERVED, 1)
    assert new.number == old.number == str(order.number)
    assert in_shop(order) == []
    assert SyncRun.objects.get(pipe="address").kind.startswith("another shop")


@pytest.mark.parametrize(
    ("state", "says"),
    [
        ("collecting", "1 order is with the warehouse"),
        ("shipped", "1 shipped order is not told yet"),
        ("asked", "the shipment of 1 order that waits is asked for"),
        ("withdraw", "1 shipment is to be taken back or lowered"),
        ("lower", "1 shipment is to be taken back or lowered"),
    ],
)
def test_another_shop_waits_for_what_is_begun(
    centra: Centra, sweater: Goods, save: Post, state: str, says: str
) -> None:
    order = buy(centra, {sweater.size: 1})
    look(centra)
    mark(order, centra)
    if state == "shipped":
        ship(order)
    if state == "asked":
        Order.objects.update(status=Status.NEW, collected_at=None)
    if state in ("withdraw", "lower"):
        Order.objects.update(status=Status.CANCELLED)
        changed = {"withdraw_asked_at": timezone.now()} if state == "withdraw" else {"wanted": {"1": 1}}
        Shipment.objects.update(**changed)
    before = host(centra)
    (said,) = errors(save("other"))["which_shop"]
    assert said == (
        f"Not another shop yet. Of {before}: {says}. Finish this first, or connect the other shop as a new integration."
    )
    assert host(centra) == before
    assert ours_of(order, before) == 1


def test_another_shop_is_open_once_all_is_told(centra: Centra, sweater: Goods, save: Post) -> None:
    order = buy(centra, {sweater.size: 1})
    look(centra)
    mark(order, centra)
    ship(order)
    look(centra, "hand-over")
    save("other")
    assert host(centra).startswith("127.0.0.1")
    read_all(centra)
    assert in_shop(order) == [(True, 1)]
    assert Order.objects.count() == 1, "what the shop has sent is not taken"


def test_what_another_integration_has_with_the_warehouse_is_told_by_that(
    centra: Centra, sweater: Goods, save: Post
) -> None:
    other = fellow(centra, KEY)
    factories.order(
        centra.integration.merchant, integration=other, shop=other.shop, number="77", status=Status.COLLECTING
    )
    save("other")
    assert host(centra).startswith("127.0.0.1")
    assert Integration.objects.get(pk=other.pk).shop == other.shop
    assert Order.objects.get().shop == other.shop


# --- at the same moment --------------------------------------------------------------------


def test_a_tab_opened_before_does_not_move_it_back_in_silence(
    centra: Centra, sweater: Goods, save: Post, browser: Client
) -> None:
    stale = typed(centra.integration, base_url=centra.integration.base_url, secret="", name="Fjord")
    save("same")
    now = host(centra)
    answer = browser.post(url(centra.integration), stale)
    assert "secret" in errors(answer)
    assert "base_url" in errors(browser.post(url(centra.integration), {**stale, "secret": KEY}))
    assert host(centra) == now


def test_of_two_who_save_at_the_same_moment_the_second_is_told(
    centra: Centra,
    sweater: Goods,
    save: Post,
    signed_in: Callable[[User], Client],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    order = buy(centra, {sweater.size: 1})
    look(centra)
    sent = typed(centra.integration, base_url=moved(centra.integration.base_url).replace("0.1", "0.2"))
    colleague = factories.user(name="Ola Dahl")
    centra.integration.merchant.link(colleague)

    def meanwhile(platform: str, credentials: Credentials) -> probe.Findings:
        monkeypatch.setattr(views, "probe", probe.probe)
        save("same")
        return probe.Findings()

    monkeypatch.setattr(views, "probe", meanwhile)
    answer = signed_in(colleague).post(url(centra.integration), {**sent, "which_shop": "same"})
    assert "Somebody changed it meanwhile" in answer.content.decode()
    assert host(centra).startswith("127.0.0.1")
    assert ours(order).shop == host(centra)
    assert ours(order).events.filter(text__contains="at a new address").count() == 1


def test_a_reading_under_way_takes_nothing_for_the_old_host(
    centra: Centra, sweater: Goods, save: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = buy(centra, {sweater.size: 1})
    look(centra)
    new = buy(centra, {sweater.size: 1})
    real = taking.Taking.take

    def take(into: taking.Taking, *args: Any) -> None:
        monkeypatch.setattr(taking.Taking, "take", real)
        save("same")
        into.take(*args)

    monkeypatch.setattr(taking.Taking, "take", take)
    state = centra.integration.state("intake")
    state.resume()
    sync.run(state.pk, intake)
    assert [order.number for order in Order.objects.all()] == [str(known.number)]
    read_all(centra)
    assert {ours(order).shop for order in (known, new)} == {host(centra)}
    assert Order.objects.count() == 2


def test_a_hand_over_under_way_is_taken_up_at_the_new_address(
    centra: Centra, sweater: Goods, save: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    order = buy(centra, {sweater.size: 1})
    look(centra)
    moves.ask_to_hand_over(ours(order), "Staff")
    real = CentraConnector.create_shipment

    def create(shop: CentraConnector, *args: Any, **kwargs: Any) -> Any:
        monkeypatch.setattr(CentraConnector, "create_shipment", real)
        answer = real(shop, *args, **kwargs)
        save("same")
        return answer

    monkeypatch.setattr(CentraConnector, "create_shipment", create)
    look(centra, "hand-over")
    Order.objects.update(wait_until=None)
    read_all(centra)
    assert in_shop(order) == [(False, 1)]
    assert ours(order).status == Status.COLLECTING


# --- who may -------------------------------------------------------------------------------


def test_who_may_only_look_changes_nothing(centra: Centra, sweater: Goods, signed_in: Callable[[User], Client]) -> None:
    viewer = factories.viewer(centra.integration.merchant)
    before = host(centra)
    answer = signed_in(viewer).post(url(centra.integration), typed(centra.integration, which_shop="same"))
    assert answer.status_code == 403
    stranger = signed_in(factories.user()).post(url(centra.integration), typed(centra.integration, which_shop="same"))
    assert stranger.status_code == 404
    assert host(centra) == before


def test_the_question_is_asked_of_htmx_too(centra: Centra, sweater: Goods, browser: Client) -> None:
    answer = browser.post(url(centra.integration), typed(centra.integration), headers={"HX-Request": "true"})
    assert 'name="which_shop"' in answer.content.decode()
    assert "<html" not in answer.content.decode()
