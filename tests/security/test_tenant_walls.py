"""A stranger's id in any field changes nothing and shows nothing; fields that come later are noticed."""

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from django import forms
from django.apps import apps
from django.contrib.auth.forms import UserChangeForm
from django.test import Client
from django.urls import reverse

from merchants.models import Merchant
from orders.models import Order, Status
from tests import factories
from tests.addresses import of
from tests.security.neighbours import CASES, Case, Neighbour, everything, url
from tests.security.walk import browser

ROOT = Path(__file__).resolve().parents[2]
APPS = ("merchants", "integrations", "products", "shipping", "orders")
every_case = pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))


@pytest.fixture
def mine(db: None) -> Neighbour:
    return Neighbour.move_in("MINE")


@pytest.fixture
def theirs(db: None) -> Neighbour:
    return Neighbour.move_in("THEIRS")


@pytest.fixture
def client(mine: Neighbour) -> Client:
    return browser(mine.owner)


# --- each field that takes an id -------------------------------------------------------------------


@every_case
def test_a_stranger_s_id_in_a_field_changes_nothing_and_shows_nothing(
    case: Case, client: Client, mine: Neighbour, theirs: Neighbour
) -> None:
    before = everything()
    answer = case.send(client, mine, theirs)
    assert everything() == before
    assert answer.status_code in (200, 302, 404)
    shown = answer if answer.status_code != 302 else client.get(answer["Location"])
    text = shown.content.decode()
    leaks = [word for word in re.findall(r"THEIRS-[\w-]+", text) if word != theirs.product.sku]
    assert leaks == [], "only what the stranger typed may come back"
    assert not re.search(r"\b6,?666\b", text), "counts of a stranger's run"


@pytest.mark.parametrize("case", [case for case in CASES.values() if case.changes], ids=lambda case: case.field)
def test_one_s_own_id_in_that_field_is_taken(case: Case, client: Client, mine: Neighbour, theirs: Neighbour) -> None:
    """Else the refusal of a stranger's would show nothing."""
    if case is CASES["NewMerchantForm.warehouse"]:
        mine.shop.warehouse.is_public_testing = True
        mine.shop.warehouse.save()
    before = everything()
    answer = case.send(client, mine, mine)
    assert everything() != before, str(answer.context and answer.context["form"].errors)


@pytest.mark.parametrize("case", [case for case in CASES.values() if not case.changes], ids=lambda case: case.field)
def test_one_s_own_id_in_an_address_is_understood(case: Case, client: Client, mine: Neighbour) -> None:
    assert case.send(client, mine, mine).status_code in (200, 286, 302)


def test_one_s_own_answer_shows_its_counts(client: Client, mine: Neighbour) -> None:
    """By which a stranger's would be known above."""
    text = CASES["products:creation answer"].send(client, mine, mine).content.decode()
    assert re.search(r"\b4,?444\b", text)


def test_a_stranger_s_order_among_one_s_own_is_left_alone(client: Client, mine: Neighbour, theirs: Neighbour) -> None:
    chosen = {"chosen": [mine.order.pk, theirs.order.pk], "yes": "1"}
    client.post(url("orders:cancel_many", mine), chosen)
    statuses = dict(Order.objects.values_list("pk", "status"))
    assert statuses == {mine.order.pk: Status.CANCELLED, theirs.order.pk: Status.DRAFT}


@pytest.mark.parametrize("name", ["merchant", "merchant_pk", "integration", "id", "pk", "order", "product", "owner"])
def test_a_field_that_no_form_has_is_not_taken(client: Client, mine: Neighbour, theirs: Neighbour, name: str) -> None:
    """Whatever one's own forms are sent along with, nothing is written into or moved to somebody else's."""
    ids = {"merchant": theirs.merchant.pk, "merchant_pk": theirs.merchant.pk, "integration": theirs.shop.pk}
    ids |= {"order": theirs.order.pk, "product": theirs.product.pk, "owner": theirs.owner.pk}
    extra = {name: ids.get(name, theirs.merchant.pk)}
    before = _rows_of(theirs)
    for case in CASES.values():
        if case.changes:
            wrapped = _Adding(mine.owner, extra)
            case.send(wrapped, mine, mine)
    assert _rows_of(theirs) == before
    assert (
        not Merchant.objects.exclude(pk__in=[mine.merchant.pk, theirs.merchant.pk])
        .filter(users=theirs.owner.pk)
        .exists()
    )


class _Adding(Client):
    """Sends a further field with each form."""

    def __init__(self, user: Any, extra: dict[str, Any]) -> None:
        super().__init__()
        self.further = extra
        self.force_login(user)

    def post(self, path: Any, data: Any = None, *args: Any, **kwargs: Any) -> Any:
        sent = {key: value for key, value in (data or {}).items()} | self.further
        return super().post(path, sent, *args, **kwargs)


def _rows_of(one: Neighbour) -> dict[str, Any]:
    """All rows that hang on a merchant, by any way."""
    merchant = one.merchant.pk
    ways = ("merchant", "integration__merchant", "order__merchant", "product__merchant", "update__merchant")
    found: dict[str, Any] = {}
    for model in apps.get_models():
        if model._meta.app_label not in APPS:
            continue
        for way in ways:
            names = {field.name for field in model._meta.get_fields() if getattr(field, "concrete", False)}
            if way.split("__")[0] in names:
                rows = model._base_manager.filter(**{way: merchant}).order_by("pk")
                found[f"{model._meta.label} {way}"] = [str(row) for row in rows.values()]
                break
    assert {"orders.Order merchant", "orders.OrderLine order__merchant", "products.Product merchant"} <= set(found)
    return found


# --- the staff of another warehouse ----------------------------------------------------------------


def test_the_staff_of_another_warehouse_change_nothing_with_any_id(mine: Neighbour, theirs: Neighbour) -> None:
    """Every action of every list, with a stranger's row ticked."""
    Order.objects.filter(pk__in=[mine.order.pk, theirs.order.pk]).update(status=Status.NEW)
    colleague = factories.user(is_staff=True)
    colleague.warehouses.add(mine.house)
    client = browser(colleague)
    before = everything()
    tried = 0
    for address in (one for one in of("desk") if one.name.endswith("_changelist")):
        assert address.model is not None
        rows = [str(row.pk) for row in address.model._base_manager.all()]
        page = client.get("/" + address.route)
        actions = re.findall(r'<option value="(\w+)"', page.content.decode().partition('name="action"')[2])
        for action in actions:
            tried += 1
            strangers = [pk for pk in rows if f'value="{pk}"' not in page.content.decode()] or rows
            sent = {"action": action, "_selected_action": strangers, "index": "0", "post": "yes"}
            client.post("/" + address.route, sent, follow=True)
    assert tried >= 3
    assert everything() == before


def test_lists_of_ids_in_the_desk_s_addresses_show_one_s_own_only(mine: Neighbour, theirs: Neighbour) -> None:
    Order.objects.filter(pk__in=[mine.order.pk, theirs.order.pk]).update(status=Status.COLLECTING)
    colleague = factories.user(is_staff=True)
    colleague.warehouses.add(mine.house)
    client = browser(colleague)
    both = f"{mine.order.pk}.{theirs.order.pk}"
    pages = [one for one in of("desk") if one.name.startswith("admin:orders_order_") and not one.arguments]
    shown = 0
    for address in pages:
        text = client.get("/" + address.route, {"orders": both}, follow=True).content.decode()
        assert "THEIRS-" not in text, address.route
        shown += "MINE-number" in text
    assert shown >= 2


# --- where signing in leads ------------------------------------------------------------------------

ELSEWHERE = [
    "https://evil.example/",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "http:evil.example",
    "https:///evil.example",
    "javascript:alert(1)",
    " https://evil.example",
    "\thttps://evil.example",
    "http://testserver@evil.example/",
    "http://testserver.evil.example/",
    "data:text/html,x",
]


@pytest.mark.django_db
@pytest.mark.parametrize("where", ELSEWHERE)
@pytest.mark.parametrize("way", ["get", "post"])
def test_signing_in_leads_to_no_other_host(where: str, way: str) -> None:
    user = factories.user()
    page = reverse("account_login")
    typed = {"login": user.email, "password": factories.PASSWORD}
    answer = (
        Client().post(page, {**typed, "next": where})
        if way == "post"
        else Client().post(page, typed, query_params={"next": where})
    )
    assert answer.status_code == 302
    assert answer["Location"] == reverse("merchants:home")


@pytest.mark.django_db
@pytest.mark.parametrize("where", ELSEWHERE)
def test_neither_signing_out_nor_the_stand_in_s_door_leads_to_another_host(where: str, page: Client) -> None:
    assert page.post(reverse("account_logout"), {"next": where})["Location"] == reverse("account_login")
    door = f"{reverse('sandbox:sign_in')}"
    answer = Client().post(door, {"user": "demo", "password": "demo"}, query_params={"next": where})
    assert answer["Location"] == reverse("sandbox:home")


@pytest.mark.django_db
def test_signing_in_leads_to_a_page_of_ours() -> None:
    """Else the refusals above would show nothing."""
    user = factories.user()
    typed = {"login": user.email, "password": factories.PASSWORD, "next": "/merchants/new/"}
    assert Client().post(reverse("account_login"), typed)["Location"] == "/merchants/new/"


# --- nothing is forgotten --------------------------------------------------------------------------

# What is read from an address or a form by hand, without a form class, and takes no id: words, numbers, buttons.
NO_IDS = {
    "act", "status", "seen", "page", "q", "ledger", "show", "through", "confirmed", "another", "more", "version",
    "name", "yes", "all", "value", "rest", "price", "pieces", "HX-Request", "select_across", "state", "pasted",
    "comment", "sends_stock", "wish", "sure", "email",
}  # fmt: skip
# Ids of the staff's desk, tried above and in tests/orders/test_desk_pages.py.
OF_THE_DESK = {"orders", "ACTION_CHECKBOX_NAME", "answer"}
# Fields of forms whose choices are ids, though they are no ModelChoiceField.
IDS_AMONG_WORDS = {"OrderFilter.shop", "OrderFilter.warehouse", "ProductFilter.origin", "StockUpdateFilter.warehouse"}


def modules() -> Iterator[Any]:
    for app in APPS:
        package = importlib.import_module(app)
        for found in pkgutil.walk_packages(package.__path__, f"{app}."):
            if "migrations" not in found.name and "management" not in found.name:
                yield importlib.import_module(found.name)


def form_classes() -> set[Any]:
    return {
        thing
        for module in modules()
        for thing in vars(module).values()
        if inspect.isclass(thing) and issubclass(thing, forms.BaseForm) and thing.__module__.split(".")[0] in APPS
    }


def fields_with_ids() -> set[str]:
    """`Form.field` of each field that offers rows."""
    offering = {
        f"{form.__name__}.{name}"
        for form in form_classes()
        for name, field in form.base_fields.items()
        if isinstance(field, forms.ModelChoiceField) and not issubclass(form, UserChangeForm)  # the desk's own
    }
    return offering | IDS_AMONG_WORDS


def test_each_field_of_a_form_that_offers_rows_is_tried() -> None:
    tried = {name.partition(",")[0] for name in CASES}
    assert fields_with_ids() - tried == set(), "add it to CASES in tests/security/neighbours.py"
    assert len(fields_with_ids()) >= 13


def test_each_choice_field_is_known_to_offer_words_or_rows() -> None:
    """A choice whose list is made in `__init__` may hold ids."""
    late = {
        f"{form.__name__}.{name}"
        for form in form_classes()
        for name, field in form.base_fields.items()
        if isinstance(field, forms.ChoiceField)
        and not isinstance(field, forms.ModelChoiceField)
        and not list(cast("list[Any]", field.choices))
    }
    words = {
        "SettingsForm.warehouses_ours",
        "IntegrationForm.warehouses_ours",
        "LinkForm.countries",
        "OrderFilter.which",
        "AnswerForm.action",
        "ActivityFilter.pipe",
    }
    assert late - words == IDS_AMONG_WORDS


READERS = re.compile(r"(request\.(POST|GET|headers)|posted|asked|data|words|query)$")


def read_by_hand(path: Path) -> Iterator[str]:
    """The keys that a module takes out of a request itself."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            if node.func.attr in ("get", "getlist") and READERS.search(ast.unparse(node.func.value)):
                yield _word(node.args[0])
        elif isinstance(node, ast.Subscript) and READERS.search(ast.unparse(node.value)):
            if isinstance(node.ctx, ast.Load) and not isinstance(node.slice, ast.Slice):
                yield _word(node.slice)
        elif isinstance(node, ast.Compare) and re.search(r"request\.(POST|GET)$", ast.unparse(node.comparators[0])):
            yield _word(node.left)


def _word(node: ast.expr) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value)
    if isinstance(node, ast.JoinedStr) and isinstance(node.values[0], ast.Constant):
        return str(node.values[0].value)
    return ast.unparse(node)


def files_that_read() -> list[Path]:
    found = [path for app in APPS for path in (ROOT / app).rglob("*.py") if "connectors" not in path.parts]
    return [path for path in found if re.search(r"request\.(POST|GET)|QueryDict", path.read_text())]


# Names that are read in a loop or handed on: what they stand for.
HANDED_ON: dict[str, set[str]] = {
    "name": {"line", "sku", "pieces", "price"},
    "asked": set(),
    "self.add_prefix('secret')": set(),
}


def test_each_key_that_a_page_reads_by_hand_is_tried_or_takes_no_id() -> None:
    found = {key for path in files_that_read() for key in read_by_hand(path)}
    found |= {key for name in found & set(HANDED_ON) for key in HANDED_ON[name]}
    tried = {case.field for case in CASES.values()}
    unknown = found - set(HANDED_ON) - tried - NO_IDS - OF_THE_DESK
    assert unknown == set(), "say in this file that it takes no id, or add it to CASES in tests/security/neighbours.py"
    assert {"shop", "chosen", "act", "answer", "pieces-"} <= found, "the search for keys finds the known ones"


def test_a_key_read_by_hand_would_be_noticed(tmp_path: Path) -> None:
    module = tmp_path / "views.py"
    module.write_text(
        "def view(request):\n    request.POST.get('victim')\n    request.GET['prey']\n    'quarry' in request.POST\n"
        "    request.POST.getlist(f'catch-{1}')\n"
    )
    assert set(read_by_hand(module)) == {"victim", "prey", "quarry", "catch-"}
