"""The staff's desk, field by field: what its forms offer, what a browser sends of them, and the pages of our own."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Any

from django import forms
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.db import models
from django.http import HttpRequest
from django.test import Client
from django.urls import reverse

from merchants.models import Merchant, User, Warehouse
from orders.models import Order, Status
from products import receiving
from products.models import Stock
from shipping.models import Carrier
from tests import factories
from tests.addresses import row_of
from tests.orders.desk_orders import collecting, new
from tests.security.neighbours import Neighbour

MODULES = ("orders", "products", "shipping", "integrations", "merchants")


@dataclass(frozen=True)
class Offer:
    """One field of a form of the desk that takes keys of rows."""

    desk: admin.ModelAdmin[Any]
    name: str
    of: type[models.Model]  # whose keys
    is_inline: bool = False

    def __str__(self) -> str:
        return f"{self.desk.model._meta.label}{' inline' if self.is_inline else ''}.{self.name}"


def offers(request: HttpRequest) -> Iterator[Offer]:
    """Every field that who asks may write, in the desk's forms and inlines: chosen, typed or found by completion."""
    for model, desk in admin.site._registry.items():
        row = row_of(model)
        ways: list[models.Model | None] = [None] if desk.has_add_permission(request) else []
        ways += [row] if desk.has_change_permission(request, row) else []
        found = {name: of for obj in ways for name, of in _fields(desk.get_form(request, obj))}
        yield from (Offer(desk, name, of) for name, of in found.items())
        for inline in desk.get_inline_instances(request, row):
            if inline.has_add_permission(request, row) or inline.has_change_permission(request, row):
                rows = inline.get_formset(request, row)
                others = [(name, of) for name, of in _fields(rows.form) if name != rows.fk.name]  # type: ignore[attr-defined]
                yield from (Offer(desk, name, of, is_inline=True) for name, of in others)


def _fields(form: Any) -> list[tuple[str, type[models.Model]]]:
    """By name, of which model each offers rows."""
    offering = {name: one for name, one in form.base_fields.items() if isinstance(one, forms.ModelChoiceField)}
    return [(name, one.queryset.model) for name, one in offering.items() if one.queryset is not None]


def key_of(one: Neighbour, model: type[models.Model]) -> int:
    """A key of this model's that is this neighbour's; of what belongs to nobody, any."""
    owned: dict[type[models.Model], Callable[[], int]] = {
        Warehouse: lambda: one.house,
        Merchant: lambda: one.merchant.pk,
        User: lambda: one.owner.pk,
        Carrier: lambda: Carrier.objects.get_or_create(name=f"{one.name}-carrier")[0].pk,
        Group: lambda: Group.objects.get_or_create(name=one.name)[0].pk,
        Permission: lambda: Permission.objects.latest("pk").pk,
    }
    assert model in owned, f"say in tests/security/desk_forms.py which {model.__name__} is a neighbour's"
    return owned[model]()


class Typed(HTMLParser):
    """What a browser sends of a page's forms when nothing is changed."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._name = self._text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        name, is_box = said.get("name", ""), said.get("type") in ("checkbox", "radio")
        is_sent = "checked" in said if is_box else said.get("type") not in ("submit", "file")
        if tag == "input" and name and is_sent:
            self.sent.setdefault(name, []).append(said.get("value", "on" if is_box else ""))
        elif tag in ("select", "textarea"):
            self._name, self._text = name, ""
        elif tag == "option" and "selected" in said:
            self.sent.setdefault(self._name, []).append(said.get("value", ""))

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._name:
            self.sent[self._name] = [self._text.strip()]


def typed(client: Client, url: str, field: str, key: int) -> dict[str, list[str]]:
    """The page at `url` as it would be sent with this key in that field; in an inline in its first row."""
    sent = Typed(client.get(url).content.decode()).sent
    name = next((one for one in sent if one.endswith(f"-0-{field}")), field)
    return {**sent, name: [str(key)]}


# --- pages of our own ----------------------------------------------------------------------------


@dataclass
class Goods:
    """What one neighbour's warehouse has to do."""

    new: Order
    collecting: Order
    shipped: Order
    of: Neighbour
    stock: Stock

    @classmethod
    def of_neighbour(cls, of: Neighbour) -> Goods:
        stock = factories.stock(of.product, of.shop.warehouse, 50)
        words = {"method": of.method.method}
        new_one = new(of.merchant, of.product, 2, number=f"{of.name}-new", **words)
        going, sent = (collecting(of.merchant, of.product, 2, number=f"{of.name}-{n}", **words) for n in "ab")
        receiving.receive(of.update.pk, {of.update.lines.get().pk: 1}, "Robin")
        Order.objects.filter(pk=sent.pk).update(status=Status.SHIPPED)
        return cls(new_one, going, sent, of, stock)


@dataclass(frozen=True)
class DeskCase:
    """A page of our own: its address and its fields, with somebody's keys; and the class of its form, if it has one."""

    address: Callable[[Goods], str]
    fields: Callable[[Goods], dict[str, Any]]
    form: str = ""


def _page(name: str, key: Callable[[Goods], int]) -> Callable[[Goods], str]:
    return lambda of: reverse(f"admin:{name}", args=[key(of)])


def _parcel(of: Goods) -> dict[str, Any]:
    row = {"carrier": "PostNord", "service": "MyPack", "tracking_code": "SE1", "parcels": 1}
    return {f"{of.collecting.pk}-{name}": value for name, value in row.items()}


def _line(order: Order) -> int:
    return order.lines.get().pk


def _came(of: Goods) -> dict[str, Any]:
    line = _line(of.shipped)
    return {f"came-{line}": 1, f"shelf-{line}": 1, f"shown-{line}": 0}


def _received(of: Goods) -> dict[str, Any]:
    line = of.of.update.lines.get().pk
    return {f"pieces-{line}": 2, f"comment-{line}": "Here", f"shown-{line}": 1}


DESK_CASES: dict[str, DeskCase] = {
    "orders_order_ship": DeskCase(
        lambda of: f"{reverse('admin:orders_order_ship')}?orders={of.collecting.pk}", _parcel, "ParcelForm"
    ),
    "orders_order_found": DeskCase(
        _page("orders_order_found", lambda of: of.collecting.pk),
        lambda of: {f"found-{_line(of.collecting)}": 1},
        "FoundForm",
    ),
    "orders_order_returned": DeskCase(_page("orders_order_returned", lambda of: of.shipped.pk), _came, "ReturnForm"),
    "orders_order_comment": DeskCase(
        _page("orders_order_comment", lambda of: of.shipped.pk), lambda of: {"comment": "Wet"}, "CommentForm"
    ),
    "orders_order_act": DeskCase(_page("orders_order_act", lambda of: of.new.pk), lambda of: {"act": "collect"}),
    "products_stockupdate_receive": DeskCase(
        _page("products_stockupdate_receive", lambda of: of.of.update.pk), _received, "ReceiveForm"
    ),
    "products_stockupdate_close": DeskCase(
        _page("products_stockupdate_close", lambda of: of.of.update.pk), lambda of: {}
    ),
    "products_stock_adjust": DeskCase(
        _page("products_stock_adjust", lambda of: of.stock.pk),
        lambda of: {"by": -1, "reason": "Broken", "shown": Stock.objects.get(pk=of.stock.pk).on_hand},
        "AdjustForm",
    ),
}
TAKE_NO_KEY = {"AnswerForm"}  # of the desk's own forms


def desk_form_classes() -> set[str]:
    """The forms that our modules of the desk define, except those of the models."""
    found: set[str] = set()
    for app in MODULES:
        package = importlib.import_module(app)
        for info in pkgutil.walk_packages(package.__path__, f"{app}."):
            if "desk" in info.name or "admin" in info.name:
                module = importlib.import_module(info.name)
                own = [one for one in vars(module).values() if inspect.isclass(one) and one.__module__ == info.name]
                found |= {one.__name__ for one in own if issubclass(one, forms.Form)}
    return found
