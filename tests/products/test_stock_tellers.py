"""Two integrations that send stock to one shop from one warehouse: the first whose key the shop takes is alone."""

import pytest

from integrations.models import Integration, SyncRun
from tests import factories
from tests.conftest import Centra
from tests.products.stocked import one_turn, shelf, switch_on, tell, watch

pytestmark = pytest.mark.django_db(transaction=True)
WAITS = "another integration tells this shop"


def another(centra: Centra, secret: str) -> Integration:
    """Another merchant's, of the same shop and warehouse; it was there first, and sends."""
    made = factories.integration(
        factories.merchant(), base_url=centra.integration.base_url, warehouse=centra.integration.warehouse
    )
    made.secret = secret
    made.save()
    switch_on(made, is_read=False)
    return made


def posts(centra: Centra) -> int:
    return centra.plugin.calls.filter(endpoint="POST stock").count()


def test_a_stranger_without_a_key_of_the_shop_holds_up_nobody(centra: Centra) -> None:
    stranger = another(centra, "not-its-key")
    one = shelf(centra, on_hand=7)
    switch_on(centra.integration, is_read=False)
    assert one_turn(stranger).outcome == SyncRun.Outcome.FAILED
    assert not stranger.states.filter(answered_at__isnull=False).exists()
    tell(centra.integration)
    assert one.physical == 7


def test_of_two_whose_keys_are_right_the_second_waits_until_the_first_is_switched_off(centra: Centra) -> None:
    """Both were switched on while the shop had answered neither."""
    second, one = another(centra, "a-secret-api-key"), shelf(centra, on_hand=7)
    switch_on(centra.integration, is_read=False)
    tell(centra.integration)
    watch(centra)
    for _turn in range(2):
        record = one_turn(second)
        assert (record.outcome, record.kind, record.is_quiet) == (SyncRun.Outcome.SUCCEEDED, WAITS, True)
    assert not centra.plugin.calls.exists()
    one.put(5)
    tell(centra.integration)
    assert (one.physical, posts(centra)) == (5, 1)
    Integration.objects.filter(pk=centra.integration.pk).update(sends_stock=False)
    assert tell(second).kind != WAITS


def test_one_that_has_told_before_goes_on_whatever_another_does(centra: Centra) -> None:
    one = shelf(centra, on_hand=7)
    switch_on(centra.integration, is_read=False)
    tell(centra.integration)
    second = another(centra, "a-secret-api-key")
    second.states.update(answered_at=centra.integration.created_at)
    one.put(3)
    assert one_turn(second).kind == WAITS
    tell(centra.integration)
    assert one.physical == 3


def test_what_another_shop_heard_does_not_count(centra: Centra) -> None:
    """Nor does what the same shop heard of another warehouse."""
    one = shelf(centra, on_hand=7)
    other = another(centra, "a-secret-api-key")
    tell(other)
    Integration.objects.filter(pk=other.pk).update(warehouse=factories.warehouse())
    switch_on(centra.integration, is_read=False)
    tell(centra.integration)
    assert one.physical == 7
