"""A shop with a plugin, and a client that speaks to its Order API."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import Client

from sandbox.models import PluginMethod, Shop, Size

SECRET = "key-of-nordlys"


@dataclass
class Api:
    """The Order API through Django's test client; `raw` is the last response as it came."""

    plugin: PluginMethod
    secret: str = SECRET
    raw: HttpResponse = field(default_factory=HttpResponse)

    def __call__(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """The JSON that comes back from e.g. `api("GET", "orders?limit=1")`."""
        response = self.send(method, path, body, **headers)
        return json.loads(response.content)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        headers = headers or {"API-Authorization": self.secret}
        data = body if isinstance(body, str) else "" if body is None else json.dumps(body)
        address = f"{self.plugin.base_path}/{path}"
        response: Any = Client().generic(method, address, data, content_type="application/json", headers=headers)
        self.raw = response
        return self.raw


@pytest.fixture
def shop(db: None) -> Shop:
    return Shop.open("nordlys", time_zone="Europe/Stockholm")


@pytest.fixture
def plugin(shop: Shop) -> PluginMethod:
    return shop.add_plugin(secret=SECRET)


@pytest.fixture
def api(plugin: PluginMethod) -> Api:
    return Api(plugin)


@pytest.fixture
def sweater(shop: Shop) -> Size:
    """Ten pieces of one size, at 800."""
    return add(shop, "FG1042", "-NVY", "-M", ean="7300000010428", stock=10)


def add(shop: Shop, *parts: str, price: int = 800, **fields: Any) -> Size:
    size = shop.add_size(*parts, **fields)
    size.variant.price = price
    size.variant.save()
    return Size.objects.get(pk=size.pk)


@pytest.fixture
def bundle(shop: Shop) -> Size:
    """A hat (240) and two mittens (80 each), together for 300."""
    hat = add(shop, "FG-HAT", "GRY", name="Hat", variant="Grey", price=240, stock=5, ean="7300000020007")
    mitten = add(shop, "FG-MIT", "GRY", name="Mitten", variant="Grey", price=80, stock=9, ean="7300000020014")
    pair = add(shop, "FG-SET", name="Hat and mittens", variant="Grey", price=300)
    pair.variant.product.change(is_bundle=True)
    pair.parts.create(part=hat, pieces=1)
    pair.parts.create(part=mitten, pieces=2)
    return Size.objects.get(pk=pair.pk)
