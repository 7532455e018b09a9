"""The dump that a backup is made of holds no token: on PostgreSQL what `pg_dump` writes, on SQLite the file."""

import pytest
from django.utils import timezone

from integrations import sync
from integrations.models import SyncRun
from products import refresh
from tests import factories
from tests.connectors.hostile import Hostile, says
from tests.security.planted import TOKEN, database_text, found, ours

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_dump_holds_no_token_though_the_shop_repeats_it() -> None:
    words = f"no such key: {TOKEN}"
    with Hostile(says({"status": "no", "msg": words, "errors": {"key": words}})) as shop:
        integration = factories.integration(secret=TOKEN, base_url=shop.url)
        state = integration.state("refresh")
        state.ask(timezone.now(), "Kim")
        sync.run(state.pk, refresh.refresh)
    run = SyncRun.objects.get()
    assert "no such key" in run.error, "what the shop said is there, without the key"
    assert found(database_text(), TOKEN, *ours()) == []
    SyncRun.objects.update(error=words)
    assert found(database_text(), TOKEN), "else finding nothing would show nothing"
