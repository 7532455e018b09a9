"""The first set of methods: made once, and what staff changed stays."""

import pytest
from django.core.exceptions import ValidationError

from shipping import starter
from shipping.models import ShippingMethod
from tests import factories

pytestmark = pytest.mark.django_db


def test_every_warehouse_gets_its_own_and_twice_makes_nothing_twice() -> None:
    for code in starter.OFFERS:
        factories.warehouse(code=code)
    factories.warehouse(code="XYZ")
    starter.fill()
    made = ShippingMethod.objects.count()
    assert made == sum(len(offers) for offers in starter.OFFERS.values())
    ShippingMethod.objects.filter(service="Varubrev").update(needs_activation=True)
    starter.fill()
    assert ShippingMethod.objects.count() == made
    assert ShippingMethod.objects.get(service="Varubrev").needs_activation


def test_offers_say_what_they_need() -> None:
    factories.warehouse(code="GOT")
    starter.fill()
    home = ShippingMethod.objects.get(carrier__name="Budbee", service="Home")
    assert home.needs_contract
    assert home.needs_phone
    letter = ShippingMethod.objects.get(service="Varubrev")
    assert (letter.has_tracking, letter.tracking_url) == (False, "")
    collect = ShippingMethod.objects.get(carrier__name="PostNord", service="MyPack Collect")
    assert collect.tracking_address("UJ1") == "https://tracking.postnord.com/en/tracking?id=UJ1"
    assert collect.tracking_address("UJ 1#2&a=b") == "https://tracking.postnord.com/en/tracking?id=UJ%201%232%26a%3Db"


def test_a_tracking_code_stays_within_its_place_and_the_address_within_the_web() -> None:
    method = ShippingMethod(tracking_url="https://track.example/?id={code}&l=en")
    assert method.tracking_address('A&b=1#"/ö') == "https://track.example/?id=A%26b%3D1%23%22%2F%C3%B6&l=en"
    method.clean()
    for pattern in ("javascript:alert(1)//{code}", "{code}", "//track.example/{code}", "data:text/html,{code}"):
        method.tracking_url = pattern
        assert method.tracking_address("javascript:alert(1)") == ""
        with pytest.raises(ValidationError, match="https://"):
            method.clean()
