"""Save and Test, with a shop that answers: the sandbox on a live server, and one that is down."""

import re
import socket
import time
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.conf import LazySettings
from django.contrib.messages import get_messages
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.live_server_helper import LiveServer

from integrations import probe, views
from integrations.connectors.base import Credentials
from integrations.models import Integration, SyncState
from integrations.pipes import PIPES
from merchants.models import Merchant
from sandbox.models import PluginMethod, Shop
from tests import factories
from tests.integrations import filled


@pytest.fixture
def plugin(live_server: LiveServer) -> PluginMethod:
    shop = Shop.open("nordlys", time_zone="Europe/Stockholm")
    shop.add_size("FG1042", "-NVY", "-M", stock=10)
    return shop.add_plugin(secret=filled.SECRET)


@pytest.fixture
def address(plugin: PluginMethod, live_server: LiveServer) -> str:
    return plugin.base_url(live_server.url)


@pytest.fixture
def merchant(plugin: PluginMethod, owner: Any) -> Merchant:
    return factories.merchant(owner, name="Nordlys Store")


@pytest.fixture
def new_url(merchant: Merchant) -> str:
    return reverse("integrations:new", args=[merchant.pk, "centra"])


@pytest.fixture
def closed_door() -> str:
    """An address where nobody listens."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port = door.getsockname()[1]
    return f"http://127.0.0.1:{port}/api/order-api"


@pytest.fixture
def stored(merchant: Merchant, address: str) -> Integration:
    return factories.integration(merchant, base_url=address, secret=filled.SECRET)


def edit_url(integration: Integration) -> str:
    return reverse("integrations:edit", args=[integration.merchant_id, integration.pk])


def said(response: Any) -> list[tuple[str, str]]:
    """The messages of an answer: level and text."""
    return [(message.level_tag, str(message)) for message in get_messages(response.wsgi_request)]


# --- Save ----------------------------------------------------------------------------------


def test_saving_connects_the_shop_and_says_what_comes_next(
    page: Client, merchant: Merchant, new_url: str, address: str
) -> None:
    answer = page.post(new_url, filled.form(merchant, base_url=f"  {address}/orders/ "))
    made = merchant.integrations.get()
    assert answer["Location"] == edit_url(made)
    assert made.base_url == address
    assert made.secret.reveal() == filled.SECRET
    assert made.warehouse == merchant.warehouses.get()
    assert made.identifies_by == "sku"
    assert not made.creates_products
    ((level, text),) = said(answer)
    assert level == "success"
    assert f'<a href="{reverse("products:sync", args=[merchant.pk])}?shop={made.pk}">Sync webshop products</a>' in text


def test_the_link_to_the_next_step_can_be_clicked(page: Client, merchant: Merchant, new_url: str, address: str) -> None:
    shown = page.post(new_url, filled.form(merchant, base_url=address), follow=True).content.decode()
    assert f'<a href="{reverse("products:sync", args=[merchant.pk])}?shop={merchant.integrations.get().pk}">' in shown


def test_the_first_save_asks_for_every_pipe_at_once(
    page: Client, merchant: Merchant, new_url: str, address: str
) -> None:
    page.post(new_url, filled.form(merchant, base_url=address))
    states = {state.pipe: state for state in merchant.integrations.get().states.all()}
    assert states.keys() == PIPES.keys()
    assert all(state.asked_by == "Kim Berg" for state in states.values())
    assert all(state.next_run_at <= timezone.now() for state in states.values())


def test_settings_are_kept(page: Client, merchant: Merchant, new_url: str, address: str) -> None:
    sent = filled.form(
        merchant, base_url=address, identifies_by="ean", creates_products="True", time_zone="Europe/Helsinki"
    )
    page.post(new_url, sent)
    made = merchant.integrations.get()
    assert (made.identifies_by, made.creates_products, made.time_zone) == ("ean", True, "Europe/Helsinki")


def test_two_integrations_may_point_at_one_shop(page: Client, merchant: Merchant, new_url: str, address: str) -> None:
    page.post(new_url, filled.form(merchant, base_url=address))
    page.post(new_url, filled.form(merchant, base_url=address, name="Nordlys wholesale"))
    assert merchant.integrations.values_list("shop", flat=True).distinct().count() == 1
    assert merchant.integrations.count() == 2


def test_save_pressed_twice_makes_one(page: Client, merchant: Merchant, new_url: str, address: str) -> None:
    answers = [page.post(new_url, filled.form(merchant, base_url=address)) for _press in range(2)]
    assert merchant.integrations.count() == 1
    assert answers[0]["Location"] == answers[1]["Location"]


def test_a_wrong_key_is_an_error_on_api_token_and_nothing_is_saved(
    page: Client, merchant: Merchant, new_url: str, address: str
) -> None:
    sent = filled.form(merchant, base_url=address, secret="some-other-key-9c1d", name="Fjord Goods")
    answer = page.post(new_url, sent)
    form = answer.context["form"]
    assert list(form.errors) == ["secret"]
    assert "refused the key" in form.errors["secret"][0]
    assert form["name"].value() == "Fjord Goods"
    assert form["base_url"].value() == address
    assert "some-other-key-9c1d" not in answer.content.decode()
    assert "enter it again" in answer.content.decode()
    assert not Integration.objects.exists()


def test_an_address_without_order_api_is_an_error_on_store_hash(
    page: Client, merchant: Merchant, new_url: str, live_server: LiveServer
) -> None:
    sent = filled.form(merchant, base_url=f"{live_server.url}/nowhere/api/order-api")
    form = page.post(new_url, sent).context["form"]
    assert list(form.errors) == ["base_url"]
    assert not Integration.objects.exists()


@pytest.mark.parametrize("kind", ["html", "redirect", "empty", "truncated"])
def test_an_answer_that_is_no_order_api_s_is_an_error_on_store_hash(
    page: Client, merchant: Merchant, new_url: str, address: str, plugin: PluginMethod, kind: str
) -> None:
    plugin.shop.break_endpoint("", kind, times=None)
    form = page.post(new_url, filled.form(merchant, base_url=address)).context["form"]
    assert list(form.errors) == ["base_url"]
    assert not Integration.objects.exists()


def test_a_shop_that_is_down_is_saved_with_a_warning(
    page: Client, merchant: Merchant, new_url: str, closed_door: str
) -> None:
    answer = page.post(new_url, filled.form(merchant, base_url=closed_door))
    levels = [level for level, _text in said(answer)]
    assert levels == ["warning"]
    assert "does not accept connections" in said(answer)[0][1]
    assert merchant.integrations.get().base_url == closed_door


def test_a_fault_of_the_shop_is_a_warning_too(
    page: Client, merchant: Merchant, new_url: str, address: str, plugin: PluginMethod
) -> None:
    plugin.shop.break_endpoint("", "status", times=None, code=503)
    answer = page.post(new_url, filled.form(merchant, base_url=address))
    assert said(answer)[0][0] == "warning"
    assert merchant.integrations.exists()


def test_a_key_that_may_not_read_products_is_saved_and_the_endpoint_named(
    page: Client, merchant: Merchant, new_url: str, address: str, plugin: PluginMethod
) -> None:
    plugin.forbid("GET products")
    answer = page.post(new_url, filled.form(merchant, base_url=address))
    level, text = said(answer)[0]
    assert level == "warning"
    assert "GET /products" in text
    assert merchant.integrations.exists()


def test_a_very_slow_shop_does_not_hold_the_page(
    page: Client,
    merchant: Merchant,
    new_url: str,
    address: str,
    plugin: PluginMethod,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(probe, "CALL_SECONDS", 0.5)
    plugin.shop.break_endpoint("", "slow", times=None, seconds=3, drips=30)
    began = time.monotonic()
    answer = page.post(new_url, filled.form(merchant, base_url=address))
    assert time.monotonic() - began < 2.5
    assert "did not answer in time" in said(answer)[0][1]


def test_no_transaction_is_open_while_the_shop_is_asked(
    page: Client, merchant: Merchant, new_url: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    was_open: list[bool] = []

    def look(platform: str, credentials: Credentials) -> probe.Findings:
        was_open.append(connection.in_atomic_block)
        return probe.probe(platform, credentials)

    monkeypatch.setattr(views, "probe", look)
    page.post(new_url, filled.form(merchant, base_url=address))
    assert was_open == [False]


# --- saving a stored one -------------------------------------------------------------------


def test_an_empty_api_token_keeps_the_stored_one(page: Client, merchant: Merchant, stored: Integration) -> None:
    answer = page.post(edit_url(stored), filled.form(merchant, secret="", base_url=stored.base_url, name="Fjord Goods"))
    assert said(answer)[0][0] == "success"
    stored.refresh_from_db()
    assert stored.name == "Fjord Goods"
    assert stored.secret.reveal() == filled.SECRET


def test_a_new_api_token_takes_the_place_of_the_old_one(
    page: Client, merchant: Merchant, stored: Integration, plugin: PluginMethod
) -> None:
    before = stored.secret_print
    plugin.secret = "key-of-the-new-season"
    plugin.save()
    page.post(edit_url(stored), filled.form(merchant, secret="key-of-the-new-season", base_url=stored.base_url))
    stored.refresh_from_db()
    assert stored.secret.reveal() == "key-of-the-new-season"
    assert stored.secret_print != before


def test_a_refused_new_key_leaves_the_stored_one(page: Client, merchant: Merchant, stored: Integration) -> None:
    form = page.post(edit_url(stored), filled.form(merchant, secret="wrong", base_url=stored.base_url)).context["form"]
    assert list(form.errors) == ["secret"]
    stored.refresh_from_db()
    assert stored.secret.reveal() == filled.SECRET


def test_saving_sets_stopped_pipes_going_again(page: Client, merchant: Merchant, stored: Integration) -> None:
    state = stored.state("refresh")
    in_an_hour = timezone.now() + timedelta(hours=1)
    SyncState.objects.update(
        attention="bad key",
        last_error="The key was refused.",
        failed_attempts=3,
        next_run_at=in_an_hour,
        synced_through=timezone.now(),
        place={"cursor": "x"},
    )
    page.post(edit_url(stored), filled.form(merchant, secret="", base_url=stored.base_url))
    state.refresh_from_db()
    assert (state.attention, state.last_error, state.failed_attempts) == ("", "", 0)
    assert state.next_run_at <= timezone.now()
    assert state.synced_through is not None
    assert state.place == {"cursor": "x"}


def test_another_shop_is_read_from_scratch(
    page: Client, merchant: Merchant, stored: Integration, live_server: LiveServer
) -> None:
    state = stored.state("refresh")
    SyncState.objects.update(
        synced_through=timezone.now(),
        completed_at=timezone.now(),
        place={"cursor": "x"},
        lease="somebody",
        leased_until=timezone.now() + timedelta(minutes=1),
    )
    other = Shop.open("fjord-goods").add_plugin(secret="key-of-fjord-goods").base_url(live_server.url)
    page.post(edit_url(stored), filled.form(merchant, secret="key-of-fjord-goods", base_url=other))
    stored.refresh_from_db()
    state.refresh_from_db()
    assert stored.base_url == other
    assert (state.synced_through, state.completed_at, state.place) == (None, None, {"other_shop": True})
    assert (state.lease, state.leased_until) == ("", None), "the run that reads the old shop has no more say"


def test_one_deleted_while_the_shop_was_asked_is_not_made_anew(
    page: Client, merchant: Merchant, stored: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def delete_meanwhile(platform: str, credentials: Credentials) -> probe.Findings:
        Integration.objects.all().delete()
        return probe.Findings()

    monkeypatch.setattr(views, "probe", delete_meanwhile)
    answer = page.post(edit_url(stored), filled.form(merchant, secret="", base_url=stored.base_url))
    assert answer.status_code == 404
    assert not Integration.objects.exists()


def test_a_key_that_is_rotated_while_the_shop_is_asked_is_not_put_back(
    page: Client, merchant: Merchant, stored: Integration, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else the old key is taken out, and the API token cannot be opened any more."""
    new = Fernet.generate_key().decode()

    def rotate_meanwhile(platform: str, credentials: Credentials) -> probe.Findings:
        settings.FIELD_ENCRYPTION_KEYS = [new, *settings.FIELD_ENCRYPTION_KEYS]
        call_command("reencrypt", stdout=StringIO())
        return probe.Findings()

    monkeypatch.setattr(views, "probe", rotate_meanwhile)
    page.post(edit_url(stored), filled.form(merchant, name="Renamed", secret="", base_url=stored.base_url))
    settings.FIELD_ENCRYPTION_KEYS = [new]
    stored.refresh_from_db()
    assert (stored.name, stored.secret.reveal()) == ("Renamed", filled.SECRET)


def test_an_api_token_that_a_colleague_entered_while_the_shop_was_asked_stays(
    page: Client, merchant: Merchant, stored: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def enter_meanwhile(platform: str, credentials: Credentials) -> probe.Findings:
        other = Integration.objects.get(pk=stored.pk)
        other.secret = "the-new-key-of-nordlys"
        other.save()
        return probe.Findings()

    monkeypatch.setattr(views, "probe", enter_meanwhile)
    page.post(edit_url(stored), filled.form(merchant, secret="", base_url=stored.base_url))
    print_before = stored.secret_print
    stored.refresh_from_db()
    assert stored.secret.reveal() == "the-new-key-of-nordlys"
    assert stored.secret_print != print_before


def test_a_token_of_another_host_that_came_meanwhile_is_not_sent_to_this_one(
    page: Client, merchant: Merchant, stored: Integration, monkeypatch: pytest.MonkeyPatch
) -> None:
    def move_meanwhile(platform: str, credentials: Credentials) -> probe.Findings:
        other = Integration.objects.get(pk=stored.pk)
        other.secret, other.base_url = "key-of-another-shop", "https://fjord.centra.com/api/order-api"
        other.save()
        return probe.Findings()

    here = stored.base_url
    monkeypatch.setattr(views, "probe", move_meanwhile)
    form = page.post(edit_url(stored), filled.form(merchant, secret="", base_url=here)).context["form"]
    assert "Somebody changed it meanwhile to https://fjord.centra.com" in form.errors["base_url"][0]
    stored.refresh_from_db()
    assert (stored.shop, stored.secret.reveal()) == ("fjord.centra.com", "key-of-another-shop")


# --- Test ----------------------------------------------------------------------------------


def result_of(page: Client, url: str, form: dict[str, Any], **extra: Any) -> str:
    answer = page.post(url, {**form, "act": "test"}, **extra)
    assert answer.status_code == 200
    return str(answer.content.decode())


def rights_in(text: str) -> list[str]:
    """The words on the pills of what Test found."""
    pills: list[str] = re.findall(r'class="pill [a-z]+">(?:<i></i>)?([^<]+)<', text.partition("test-title")[2])
    return [pill for pill in pills if "allowed" in pill or pill == "not known"]


def test_test_lists_each_right_and_saves_nothing(page: Client, merchant: Merchant, new_url: str, address: str) -> None:
    text = result_of(page, new_url, filled.form(merchant, base_url=address, name="Fjord Goods"))
    for right in ("Read products", "Read orders", "Write stock", "Write shipments"):
        assert f"<b>{right}</b>" in text
    assert rights_in(text) == ["allowed"] * 4
    assert "Cancelled" in text
    assert 'value="Fjord Goods"' in text
    assert filled.SECRET not in text
    assert not Integration.objects.exists()


def test_test_says_which_right_is_missing(
    page: Client, merchant: Merchant, new_url: str, address: str, plugin: PluginMethod
) -> None:
    plugin.forbid("POST stock")
    text = result_of(page, new_url, filled.form(merchant, base_url=address))
    assert sorted(rights_in(text)) == ["allowed", "allowed", "allowed", "not allowed"]
    assert "POST /stock" in text


def test_test_uses_the_stored_key_where_none_is_typed(page: Client, merchant: Merchant, stored: Integration) -> None:
    text = result_of(page, edit_url(stored), filled.form(merchant, secret="", base_url=stored.base_url, name="Other"))
    assert rights_in(text) == ["allowed"] * 4
    stored.refresh_from_db()
    assert stored.name == "Nordlys"


def test_test_tries_the_typed_key_and_keeps_the_stored_one(
    page: Client, merchant: Merchant, stored: Integration
) -> None:
    text = result_of(page, edit_url(stored), filled.form(merchant, secret="wrong-key-1", base_url=stored.base_url))
    assert "refused the key" in text
    assert "wrong-key-1" not in text
    stored.refresh_from_db()
    assert stored.secret.reveal() == filled.SECRET


def test_with_htmx_only_the_result_comes_back(page: Client, merchant: Merchant, new_url: str, address: str) -> None:
    headers = {"HX-Request": "true"}
    text = result_of(page, new_url, filled.form(merchant, base_url=address), headers=headers)
    assert "<html" not in text
    assert "<b>Read products</b>" in text
    wrong = result_of(page, new_url, filled.form(merchant, base_url=address, secret="wrong-key-1"), headers=headers)
    assert "<b>API token:</b>" in wrong
    assert "wrong-key-1" not in wrong


def test_test_of_a_shop_that_is_down_says_so(page: Client, merchant: Merchant, new_url: str, closed_door: str) -> None:
    text = result_of(page, new_url, filled.form(merchant, base_url=closed_door))
    assert "does not accept connections" in text
    assert not Integration.objects.exists()


def test_test_changes_nothing_in_the_shop(
    page: Client, merchant: Merchant, new_url: str, address: str, plugin: PluginMethod
) -> None:
    before = list(plugin.shop.sizes.values_list("pk", "physical"))
    result_of(page, new_url, filled.form(merchant, base_url=address))
    assert list(plugin.shop.sizes.values_list("pk", "physical")) == before
    assert not plugin.shop.orders.exists()


# --- how much one user may ask -------------------------------------------------------------


def test_who_has_shops_asked_without_end_is_stopped_and_keeps_what_was_typed(
    page: Client, merchant: Merchant, new_url: str, address: str
) -> None:
    typed = filled.form(merchant, base_url=address, secret="wrong-key-1", act="test")
    for _time in range(20):
        assert "<b>API token:</b>" in page.post(new_url, typed).content.decode()
    for act in ("test", "save"):
        answer = page.post(new_url, filled.form(merchant, base_url=address, act=act, name="Fjord Goods"))
        text = answer.content.decode()
        assert "You asked shops very often just now" in text
        assert "What the test found" not in text
        assert 'value="Fjord Goods"' in text
        assert f'value="{address}"' in text
    assert not Integration.objects.exists()


def test_another_user_may_still_ask(
    page: Client, merchant: Merchant, new_url: str, address: str, signed_in: Any
) -> None:
    typed = filled.form(merchant, base_url=address, secret="wrong-key-1", act="test")
    for _time in range(21):
        answer = page.post(new_url, typed)
    assert "You asked shops very often just now" in answer.content.decode()
    other = factories.user()
    merchant.link(other)
    assert "<b>API token:</b>" in signed_in(other).post(new_url, typed).content.decode()


def test_a_second_press_while_the_shop_is_asked_is_told_to_wait_and_a_later_one_is_not(
    page: Client, merchant: Merchant, new_url: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed = filled.form(merchant, base_url=address, act="test")
    asked: list[str] = []
    meanwhile: list[str] = []

    def look(platform: str, credentials: Credentials) -> probe.Findings:
        asked.append(credentials.base_url)
        if len(asked) == 1:
            meanwhile.append(page.post(new_url, typed).content.decode())
        return probe.probe(platform, credentials)

    monkeypatch.setattr(views, "probe", look)
    first = page.post(new_url, typed).content.decode()
    assert "still asking the shop" in meanwhile[0]
    assert len(asked) == 1
    assert "<b>Read products</b>" not in meanwhile[0]
    for text in (first, page.post(new_url, typed).content.decode()):
        assert "still asking the shop" not in text
        assert "What the test found" in text


def test_a_name_taken_while_the_shop_was_asked_is_refused_and_nothing_is_written(
    page: Client, merchant: Merchant, new_url: str, address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def asked(*args: Any, **wishes: Any) -> probe.Findings:
        factories.integration(merchant, name="nordlys")
        return probe.probe(*args, **wishes)

    monkeypatch.setattr(views, "probe", asked)
    form = page.post(new_url, filled.form(merchant, base_url=address)).context["form"]
    assert list(form.errors) == ["name"]
    assert merchant.integrations.get().name == "nordlys"
