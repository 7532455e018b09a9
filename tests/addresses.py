"""Every address of the URL configuration, in groups, and a world with one of everything that an address may name."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.account.utils import user_pk_to_url_str
from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import Error, models, transaction
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from integrations.models import Integration, SyncRun
from merchants.models import Merchant, User
from sandbox.models import Shop
from tests import factories
from tests.products.goods import announce
from tests.shipping import things

OF_NO_MERCHANT = {"merchants:home", "merchants:create"}  # for everybody who is signed in
BEGINNINGS = {"m/<key:merchant_pk>/": "merchant", "admin/": "desk", "accounts/": "account", "sandbox/": "sandbox"}


class Address(NamedTuple):
    """One pattern of the URL configuration: its full name, the kinds of arguments it takes, and its view."""

    name: str
    arguments: tuple[str, ...]
    route: str
    view: Any

    @property
    def group(self) -> str:
        """Whose it is; `""` where nobody said so yet."""
        beginnings = (group for start, group in BEGINNINGS.items() if self.route.startswith(start))
        return "signed in" if self.name in OF_NO_MERCHANT else next(beginnings, "")

    @property
    def model(self) -> type[models.Model] | None:
        """The model of an address of the desk that belongs to one."""
        labels = {f"admin/{model._meta.app_label}/{model._meta.model_name}/": model for model in admin.site._registry}
        return next((model for start, model in labels.items() if self.route.startswith(start)), None)


def walk(patterns: list[Any], space: str = "", route: str = "") -> Iterator[Address]:
    for pattern in patterns:
        here = route + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from walk(pattern.url_patterns, inner, here)
        elif isinstance(pattern, URLPattern):
            arguments = tuple(word.split(">")[0].split(":")[-1] for word in here.split("<")[1:])
            yield Address(f"{space}{pattern.name or ''}", arguments, here, pattern.callback)


ADDRESSES = list(walk(get_resolver().url_patterns))


def of(group: str) -> list[Address]:
    return [address for address in ADDRESSES if address.group == group]


class World(NamedTuple):
    """One merchant with one of everything that an address may name.

    `arguments` by the longest of "space:name argument", "space argument" and "argument" that is there.
    """

    merchant: Merchant
    owner: User
    viewer: User
    integration: Integration
    arguments: dict[str, Any]

    def value(self, address: Address, argument: str) -> Any:
        space = address.name.split(":")[0]
        for key in (f"{address.name} {argument}", f"{space} {argument}", argument):
            if key in self.arguments:
                return self.arguments[key]
        raise AssertionError(
            f"{address.name}: say in tests/addresses.py, make_world, what “{argument}” stands for here"
        )


def make_world() -> World:
    owner = factories.user()
    merchant = factories.merchant(owner)
    integration = factories.integration(merchant)
    run = SyncRun.objects.create(integration=integration, pipe="refresh", started_at=integration.created_at)
    arguments = {
        "merchant_pk": merchant.pk,
        "merchants:channel pk": merchant.channels.create(name="Fjord").pk,
        "merchants:unlink_user pk": merchant.memberships.get().pk,
        "run_pk": run.pk,
        "item_pk": factories.webshop_product(integration).pk,
        "update_pk": announce(merchant, {factories.product(merchant): 1}).pk,
        "integration_pk": integration.pk,
        "platform": "centra",
        "key": "refresh",
        "pipe": "refresh",
        "integrations pk": integration.pk,
        "orders:delete_integration pk": integration.pk,
        "products pk": factories.product(merchant).pk,
        "orders pk": factories.order(merchant).pk,
        "orders:link pk": integration.pk,
        "orders:unlink pk": things.link(integration, "standard", things.active(merchant)).pk,
    }
    return World(merchant, owner, factories.viewer(merchant), integration, arguments)


def url_of(address: Address, world: World) -> str:
    """The address with what stands in the world; the desk's and the account pages' differ, see there."""
    return reverse(address.name, kwargs={name: world.value(address, name) for name in address.arguments})


# --- the staff's desk ------------------------------------------------------------------------


def row_of(model: type[models.Model]) -> models.Model:
    """One row of the model: the first there is, else one with just what it cannot be without."""
    rows = model._base_manager
    made = rows.order_by("pk").first()
    if made:
        return made
    try:
        with transaction.atomic():
            return rows.create(**{field.name: _filler(field) for field in model._meta.concrete_fields if _needs(field)})
    except (Error, ValueError, TypeError) as reason:
        raise AssertionError(
            f"{model._meta.label} is on the staff's desk and has no row in the tests' world: "
            f"make one in tests/addresses.py, make_world ({reason})"
        ) from reason


def _needs(field: Any) -> bool:
    is_given = field.null or field.has_default() or field.primary_key or getattr(field, "auto_now_add", False)
    return not is_given and not getattr(field, "auto_now", False)


def _filler(field: Any) -> Any:
    if field.is_relation:
        return row_of(field.related_model)
    if field.choices:
        return field.flatchoices[0][0]
    kinds = {
        models.DateTimeField: timezone.now(),
        models.DateField: timezone.now().date(),
        models.BooleanField: False,
        models.DecimalField: 1,
        models.IntegerField: 1,
        models.JSONField: {},
        models.EmailField: "kim@nordlys.example",
    }
    return next((value for kind, value in kinds.items() if isinstance(field, kind)), "x")


def one_of_each() -> dict[type[models.Model], models.Model]:
    """A row of each model on the staff's desk, also of those that come later."""
    return {model: row_of(model) for model in admin.site._registry}


def desk_url(address: Address, rows: dict[type[models.Model], models.Model]) -> str:
    """An address of the desk; an argument of a model's address is the key of its row."""
    user = next(row for model, row in rows.items() if model is User)
    values: dict[str, Any] = {
        "app_label": "merchants",
        "url": "nowhere/",
        "content_type_id": ContentType.objects.get_for_model(User).pk,
        "object_id": user.pk,
    }
    if address.model:
        values = dict.fromkeys(address.arguments, rows[address.model].pk)
    filled = re.sub(r"\(\?P<(\w+)>.*?\)(?=/?\$|/)", r"<\1>", address.route).replace("^", "").rstrip("$")
    return "/" + re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values[found[1]]), filled)


# --- accounts --------------------------------------------------------------------------------


def account_url(address: Address, user: User) -> str:
    """An address of the account pages, with the keys that a mail to this user would hold."""
    to_confirm = {"primary": True, "verified": False}
    email, _made = EmailAddress.objects.update_or_create(user=user, email=user.email, defaults=to_confirm)
    reset = {"uidb36": user_pk_to_url_str(user), "key": default_token_generator.make_token(user)}
    keys = {
        "account_confirm_email": {"key": EmailConfirmationHMAC(email).key},
        "account_reset_password_from_key": reset,
    }
    return reverse(address.name, kwargs=keys.get(address.name, {}))


# --- the stand-in ----------------------------------------------------------------------------


def sandbox_urls() -> dict[str, str]:
    """Every address of the stand-in, by its route, with a shop that holds one of everything."""
    shop = Shop.open("nordlys", "Nordlys")
    plugin = shop.add_plugin("order-api", "a-secret-api-key")
    size = shop.add_size("FG1", "-NVY", "-M", stock=10)
    order = shop.place_order({size: 1})
    order.confirm()
    shipment = order.create_shipment()
    fault = shop.break_endpoint("PUT capture", "refused")
    by_name = {"picture": size.variant.pk, "take_away": fault.pk, "paper": shipment.pk}
    by_name |= dict.fromkeys(("store", "new_plugin"), shop.retail.pk)
    by_name |= dict.fromkeys(("plugin", "edit_plugin", "plugin_log", "delete_plugin"), plugin.pk)
    by_name |= dict.fromkeys(("size", "stock", "remove_size"), size.pk)
    common = {"shop": shop.slug, "uri": plugin.uri, "rest": "products", "number": order.number}
    papers = {"kind": "proforma", "token": shipment.document_token}
    return {address.route: _filled(address, {**common, **papers}, by_name) for address in of("sandbox")}


def _filled(address: Address, values: dict[str, Any], keys: dict[str, Any]) -> str:
    name = address.name.split(":")[1]
    if address.route.endswith(".+/$"):  # every other address below the stand-in
        return "/sandbox/nowhere/"
    if not name:  # the API's entrance with a slash
        return "/" + re.sub(r"<\w+:(\w+)>", lambda found: str(values[found[1]]), address.route)
    known = {**values, "pk": keys.get(name)}
    missing = [argument for argument in address.arguments if known.get(argument) is None]
    assert not missing, f"{address.name}: say in tests/addresses.py, sandbox_urls, what {missing} stand for here"
    return reverse(address.name, kwargs={argument: known[argument] for argument in address.arguments})
