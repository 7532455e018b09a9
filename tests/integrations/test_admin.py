"""The staff's desk: what it shows, what it may do, and that no secret is there."""

import re
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from integrations.models import Integration, SyncRun, SyncState
from integrations.settings_form import SettingsForm
from tests import factories

pytestmark = pytest.mark.django_db
SECRET = "key-that-nobody-sees-51b0"


@pytest.fixture
def staff(client: Client) -> Client:
    client.force_login(factories.user(name="Robin Desk", is_staff=True, is_superuser=True))
    return client


@pytest.fixture
def integration() -> Integration:
    return connected(name="Nordlys")


def connected(**fields: Any) -> Integration:
    made = factories.integration(**{"secret": SECRET, **fields})
    made.state("refresh")
    return made


def a_run(integration: Integration, **fields: Any) -> SyncRun:
    now = timezone.now()
    return SyncRun.objects.create(**{"integration": integration, "pipe": "refresh", "started_at": now, **fields})


def url(model: str, page: str = "changelist", *args: int) -> str:
    return reverse(f"admin:integrations_{model}_{page}", args=args)


def text_of(browser: Client, address: str) -> str:
    answer = browser.get(address)
    assert answer.status_code == 200
    return str(answer.content.decode())


def shown(browser: Client, address: str) -> set[Any]:
    """The rows of a list."""
    return set(browser.get(address).context["cl"].queryset)


def press(browser: Client, act: str, *states: SyncState) -> str:
    sent = {"action": act, "_selected_action": [state.pk for state in states]}
    return str(browser.post(url("syncstate"), sent, follow=True).content.decode())


# --- integrations --------------------------------------------------------------------------


def test_no_page_shows_the_secret(staff: Client, integration: Integration) -> None:
    a_run(integration)
    pages = [url("integration"), url("integration", "change", integration.pk), url("syncstate"), url("syncrun")]
    pages += [url("integration", "history", integration.pk), url("integration", "delete", integration.pk)]
    for page in pages:
        text = text_of(staff, page)
        assert SECRET not in text
        assert integration.secret.cipher not in text


def test_the_fingerprint_is_shown(staff: Client, integration: Integration) -> None:
    assert integration.secret_print in text_of(staff, url("integration", "change", integration.pk))


def test_an_integration_cannot_be_made_here(staff: Client) -> None:
    assert staff.get(url("integration", "add")).status_code == 403


def test_staff_name_it_and_see_the_settings_whose_rules_only_the_merchant_s_form_knows(staff: Client) -> None:
    merchant = factories.merchant()
    teller = connected(merchant=merchant, sends_stock=True, name="Teller")
    elsewhere = merchant.warehouses.create(code="OSL", name="Oslo")
    integration = connected(merchant=merchant, warehouse=elsewhere, sends_stock=True, safety_buffer=17, name="Nordlys")
    page = url("integration", "change", integration.pk)
    sent = {
        "name": "Nordlys renamed",
        "creates_products": "on",
        "warehouse": teller.warehouse_id,  # a second one would tell the same shop of the same warehouse
        "time_zone": "Europe/Oslo",
        "identifies_by": "ean",
        "reads": "shipments",
        "takes_orders_since_0": "2011-01-01",
        "takes_orders_since_1": "00:00",
        "sends_tracking": "",
        "base_url": "https://elsewhere.example.com/api/order-api",
        "secret": "taken-over",
        "merchant": factories.merchant().pk,
    }
    before = Integration.objects.filter(pk=integration.pk).values().get()
    assert staff.post(page, sent).status_code == 302
    after = Integration.objects.filter(pk=integration.pk).values().get()
    assert after == {**before, "name": "Nordlys renamed", "creates_products": True}
    text = text_of(staff, page)
    for name in ("warehouse", "time_zone", *SettingsForm.SETTINGS):
        assert f"field-{name}" in text, name
    assert "17" in text
    assert set(re.findall(r'name="(\w+)"', text)) & set(sent) == {"name", "creates_products"}


@pytest.mark.parametrize("words", ["Nordlys", "nordlys.centra.com", "Fjord Merchant"])
def test_integrations_are_searched(staff: Client, words: str) -> None:
    found = connected(name="Nordlys", merchant=factories.merchant(name="Fjord Merchant"))
    elsewhere = "https://other.centra.com/api/order-api"
    connected(name="Other", base_url=elsewhere, merchant=factories.merchant(name="Skerry"))
    assert shown(staff, url("integration") + f"?q={words}") == {found}


HEALTHS: list[tuple[str, dict[str, Any]]] = [
    ("stopped", {"attention": "bad key", "last_error": "The key was refused.", "failed_attempts": 2}),
    ("waiting", {"failed_attempts": 2, "last_error": "No answer."}),
    ("paused", {"is_paused": True, "attention": "bad key"}),
]


@pytest.mark.parametrize(("word", "fields"), HEALTHS)
def test_rows_are_filtered_by_health(staff: Client, word: str, fields: dict[str, Any]) -> None:
    ill = connected()
    SyncState.objects.update(**fields)
    connected()
    assert shown(staff, url("integration") + f"?health={word}") == {ill}
    assert shown(staff, url("syncstate") + f"?health={word}") == set(ill.states.all())
    assert word in text_of(staff, url("integration", "change", ill.pk))


def test_every_filter_is_offered_for_clicking(staff: Client, integration: Integration) -> None:
    for query in ("health=", "platform__exact=centra", f"warehouse__id__exact={integration.warehouse_id}"):
        assert staff.get(f"{url('integration')}?{query}").status_code == 200


def test_an_integration_is_deleted_with_all_that_hangs_on_it(staff: Client, integration: Integration) -> None:
    a_run(integration)
    staff.post(url("integration", "delete", integration.pk), {"post": "yes"})
    assert not Integration.objects.exists()
    assert not SyncState.objects.exists()
    assert not SyncRun.objects.exists()


# --- pipes ---------------------------------------------------------------------------------


def test_try_again_asks_for_the_chosen_pipes(staff: Client) -> None:
    later = timezone.now() + timedelta(hours=1)
    chosen, other = connected().state("refresh"), connected().state("refresh")
    SyncState.objects.update(next_run_at=later, attention="bad key")
    assert "Done for 1 pipe." in press(staff, "try_again", chosen)
    chosen.refresh_from_db()
    other.refresh_from_db()
    assert chosen.next_run_at <= timezone.now()
    assert chosen.asked_by == "Robin"
    assert other.next_run_at == later


def test_a_paused_pipe_is_not_tried(staff: Client, integration: Integration) -> None:
    state = integration.state("refresh")
    state.pause()
    assert "Done for 0 pipes." in press(staff, "try_again", state)
    state.refresh_from_db()
    assert state.asked_at is None


def test_pipes_are_paused_and_resumed(staff: Client) -> None:
    states = [connected().state("refresh"), connected().state("refresh")]
    assert "Done for 2 pipes." in press(staff, "pause", *states)
    assert SyncState.objects.filter(is_paused=True).count() == 2
    assert "Done for 1 pipe." in press(staff, "resume", states[0])
    assert SyncState.objects.filter(is_paused=True).get() == states[1]


def test_a_pipe_is_read_and_neither_made_nor_deleted(staff: Client, integration: Integration) -> None:
    state = integration.state("refresh")
    assert "Nordlys" in text_of(staff, url("syncstate", "change", state.pk))
    staff.post(url("syncstate", "change", state.pk), {"is_paused": "on"})
    state.refresh_from_db()
    assert not state.is_paused
    assert staff.get(url("syncstate", "add")).status_code == 403
    assert staff.post(url("syncstate", "delete", state.pk), {"post": "yes"}).status_code == 403


def test_staff_who_may_only_look_press_nothing(client: Client, integration: Integration) -> None:
    looker = factories.user(is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_syncstate"))
    client.force_login(looker)
    press(client, "pause", integration.state("refresh"))
    assert not integration.state("refresh").is_paused


# --- activity ------------------------------------------------------------------------------


def test_a_run_is_read_only(staff: Client, integration: Integration) -> None:
    run = a_run(integration, counts={"seen": 3, "new": 3})
    assert "3 seen = 3 new" in text_of(staff, url("syncrun"))
    assert "Nordlys" in text_of(staff, url("syncrun", "change", run.pk))
    assert staff.post(url("syncrun", "change", run.pk), {"outcome": "succeeded"}).status_code == 403
    assert staff.post(url("syncrun", "delete", run.pk), {"post": "yes"}).status_code == 403
    assert staff.get(url("syncrun", "add")).status_code == 403
    run.refresh_from_db()
    assert run.outcome == SyncRun.Outcome.RUNNING


def test_runs_are_filtered_and_searched(staff: Client) -> None:
    here = connected(merchant=factories.merchant(name="Fjord Merchant"))
    failed = a_run(here, outcome=SyncRun.Outcome.FAILED)
    a_run(connected(), outcome=SyncRun.Outcome.SUCCEEDED, started_at=timezone.now() - timedelta(days=40))
    lately = urlencode({"started_at__gte": timezone.now() - timedelta(days=7)})
    for query in ("outcome__exact=failed", "q=Fjord", lately):
        assert shown(staff, f"{url('syncrun')}?{query}") == {failed}
    assert len(shown(staff, url("syncrun") + "?pipe=refresh")) == 2


@pytest.mark.parametrize("model", ["integration", "syncstate", "syncrun"])
def test_lists_ask_the_database_as_often_for_many_as_for_one(staff: Client, model: str) -> None:
    a_run(connected())
    counts = []
    for _round in range(2):
        with CaptureQueriesContext(connection) as queries:
            text_of(staff, url(model))
        counts.append(len(queries))
        for _number in range(5):
            a_run(connected())
    assert counts[0] == counts[1]
