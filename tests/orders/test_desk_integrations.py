"""Staff delete an integration: its orders are let go as on the merchant's own page."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from integrations.models import Integration
from merchants.models import Merchant
from orders.models import Cause, Order, Status
from tests import factories

pytestmark = pytest.mark.django_db


@pytest.fixture
def staff() -> Client:
    client = Client()
    client.force_login(factories.user(is_staff=True, is_superuser=True))
    return client


def two_orders(merchant: Merchant) -> tuple[Order, Order]:
    """One that was marked as collecting, and one that must not go before the shop shows it paid."""
    shop = factories.integration(merchant)
    marked = factories.order(merchant, integration=shop, status=Status.NEW, handover_asked_at=timezone.now())
    unpaid = factories.order(merchant, integration=shop, status=Status.RESERVED)
    unpaid.holds.create(cause=Cause.PAYMENT, text="Waiting for payment.")
    return marked, unpaid


def let_go(marked: Order, unpaid: Order) -> None:
    marked.refresh_from_db()
    unpaid.refresh_from_db()
    assert not Integration.objects.exists()
    assert marked.handover_asked_at is None
    assert "was deleted; its shop is told nothing more" in marked.events.get().text
    assert (unpaid.status, unpaid.holds.exists()) == (Status.RESERVED, False)
    assert "stays RESERVED" in unpaid.events.latest("pk").text


def test_the_page_lists_what_is_owed_and_lets_the_orders_go(staff: Client, merchant: Merchant) -> None:
    orders = two_orders(merchant)
    page = reverse("admin:integrations_integration_delete", args=[Integration.objects.get().pk])
    assert "1 order is being handed over" in staff.get(page).content.decode()
    staff.post(page, {"post": "yes"})
    let_go(*orders)


def test_the_action_of_the_list_lets_the_orders_go(staff: Client, merchant: Merchant) -> None:
    orders = two_orders(merchant)
    chosen = {"action": "delete_selected", "_selected_action": Integration.objects.get().pk, "post": "yes"}
    staff.post(reverse("admin:integrations_integration_changelist"), chosen)
    let_go(*orders)
