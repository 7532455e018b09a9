"""What the warehouse answered is told once: owed until it is told, tried again where the mail fails."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.core.mail.backends.base import BaseEmailBackend
from django.utils import timezone

from merchants.models import Merchant
from shipping.models import MerchantMethod
from shipping.tasks import tell_merchants
from tests import factories
from tests.integrations.test_race import at_once
from tests.mail import REFUSING, Silent
from tests.shipping import things

State = MerchantMethod.State


class AnsweredMeanwhile(BaseEmailBackend):
    """A mail server so slow that the warehouse answers anew before it is done."""

    def send_messages(self, email_messages: Any) -> int:
        MerchantMethod.objects.all().answer(State.DECLINED, "It ended.")
        return 1


@pytest.fixture
def asked(merchant: Merchant) -> MerchantMethod:
    return things.active(merchant, "Collect", state="requested")


def answer(row: MerchantMethod, state: State = State.ACTIVE, text: str = "") -> int:
    return MerchantMethod.objects.filter(pk=row.pk).answer(state, text)


@pytest.mark.django_db
def test_an_answer_is_told_once_to_those_who_may_edit_settings(merchant: Merchant, asked: MerchantMethod) -> None:
    factories.viewer(merchant)
    merchant.link(factories.user(email="left@example.com", is_active=False))
    merchant.link(factories.user(email="second@example.com"))
    assert answer(asked, text="Welcome.") == 1
    for _turn in range(3):
        tell_merchants()
    [sent] = mail.outbox
    assert sent.to == [merchant.memberships.earliest("pk").user.email, "second@example.com"]
    assert "PostNord Collect" in sent.body
    assert "active" in sent.body
    assert "Welcome." in sent.body
    asked.refresh_from_db()
    assert asked.told_at is not None


@pytest.mark.django_db
def test_several_answers_of_one_merchant_are_one_mail(merchant: Merchant) -> None:
    rows = [things.active(merchant, name, state="requested") for name in ("One", "Two")]
    other = things.active(factories.merchant(factories.user()), "Other", state="requested")
    for row in [*rows, other]:
        answer(row)
    tell_merchants()
    assert sorted("Two" in sent.body for sent in mail.outbox) == [False, True]


@pytest.mark.django_db
def test_the_same_answer_again_is_not_told_again_and_another_is(asked: MerchantMethod) -> None:
    answer(asked)
    tell_merchants()
    assert answer(asked) == 0
    tell_merchants()
    assert len(mail.outbox) == 1
    assert answer(asked, State.DECLINED, "The contract ended.") == 1
    tell_merchants()
    assert "The contract ended." in mail.outbox[1].body


@pytest.mark.django_db
def test_nothing_owed_asks_the_database_once(asked: MerchantMethod, django_assert_num_queries: Any) -> None:
    things.active(asked.merchant, "Old", state="active")
    with django_assert_num_queries(1):
        tell_merchants()
    assert mail.outbox == []


@pytest.mark.django_db
def test_a_mail_that_fails_stays_owed_and_is_tried_again_later(
    asked: MerchantMethod, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    answer(asked)
    works = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = REFUSING
    tell_merchants()
    asked.refresh_from_db()
    assert asked.told_at is None
    assert ("SMTPRecipientsRefused" in caplog.text, "@" in caplog.text) == (True, False), "whose address is not logged"
    settings.EMAIL_BACKEND = works
    tell_merchants()
    assert mail.outbox == []  # not at every minute while the server is down
    MerchantMethod.objects.update(tell_after=timezone.now() - timedelta(seconds=1))
    tell_merchants()
    assert len(mail.outbox) == 1
    asked.refresh_from_db()
    assert asked.told_at is not None


@pytest.mark.django_db
def test_a_silent_mail_server_is_called_once_however_many_are_owed(asked: MerchantMethod, settings: Any) -> None:
    answer(asked)
    answer(things.active(factories.merchant(factories.user()), "MyPack", state="requested"))
    with Silent() as server:
        server.serve(settings)
        tell_merchants()
        assert server.calls() == 1
    assert MerchantMethod.objects.filter(told_at=None).count() == 2


@pytest.mark.django_db
def test_an_answer_that_comes_while_the_mail_is_sent_is_still_owed(asked: MerchantMethod, settings: Any) -> None:
    answer(asked)
    works = settings.EMAIL_BACKEND
    settings.EMAIL_BACKEND = "tests.shipping.test_tell.AnsweredMeanwhile"
    tell_merchants()
    settings.EMAIL_BACKEND = works
    tell_merchants()
    [sent] = mail.outbox
    assert "It ended." in sent.body


@pytest.mark.django_db
def test_without_a_linked_user_the_contact_is_told_and_without_any_it_is_settled(asked: MerchantMethod) -> None:
    asked.merchant.memberships.all().delete()
    Merchant.objects.update(contact_email="office@example.com")
    answer(asked)
    tell_merchants()
    assert mail.outbox[0].to == ["office@example.com"]
    Merchant.objects.update(contact_email="")
    answer(asked, State.DECLINED, "No.")
    tell_merchants()
    asked.refresh_from_db()
    assert asked.told_at is not None
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_of_several_workers_at_once_one_tells(merchant: Merchant, asked: MerchantMethod) -> None:
    answer(asked)
    results = at_once([tell_merchants] * 6)
    assert [error for error in results if isinstance(error, Exception)] == []
    assert len(mail.outbox) == 1


@pytest.mark.django_db(transaction=True)
def test_pressed_by_two_people_at_once_a_method_is_asked_for_once(merchant: Merchant) -> None:
    house = merchant.warehouses.get()
    methods = [things.method(house, name, needs_activation=False) for name in ("One", "Two", "Three")]
    ask = MerchantMethod.objects.request
    asks: list[Callable[[], Any]] = [partial(ask, merchant, methods[::way], "Kim") for way in (1, -1) * 3]
    results = at_once(asks)
    assert [error for error in results if isinstance(error, Exception)] == []
    assert sum(len(news) for news in results) == 3
    assert merchant.shipping_methods.count() == 3
