"""The staff of one warehouse reach nothing of another's through any field of the desk; later fields are noticed."""

from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.contrib import admin
from django.contrib.admin.widgets import AutocompleteMixin
from django.contrib.auth.models import Permission
from django.db import transaction
from django.http import HttpRequest
from django.urls import reverse

from merchants.models import User
from orders.models import Order
from tests import factories
from tests.addresses import of as addresses
from tests.security.desk_forms import DESK_CASES, TAKE_NO_KEY, DeskCase, Goods, desk_form_classes, key_of, offers, typed
from tests.security.neighbours import Neighbour, everything
from tests.security.walk import browser

pytestmark = pytest.mark.django_db
# No warehouse owns such rows: whoever was given Django's permission to change them may change all of them.
OPEN = {
    "account.EmailAddress.user",
    "auth.Group.permissions",
    "merchants.Merchant.warehouses",
    "merchants.Merchant inline.user",
    "merchants.User.groups",
    "merchants.User.user_permissions",
    "merchants.User inline.merchant",
    "merchants.Warehouse.staff",
    "products.Product.merchant",
}
BY_PERMISSION = {"Carrier", "EmailAddress", "Group", "Installation", "Integration", "Merchant", "Product", "SyncRun"}
BY_PERMISSION |= {"SyncState", "User", "Warehouse", "WebshopProduct"}
BY_WAREHOUSE = {"Order", "OrderLine", "Hold", "Stock", "StockUpdate", "Movement", "Reservation"}
BY_WAREHOUSE |= {"ShippingMethod", "MerchantMethod"}
WALLED = {"shipping.ShippingMethod.warehouse"}
SHARED = {"shipping.ShippingMethod.carrier"}  # carriers are everybody's; the method that gets one is walled


@pytest.fixture
def mine(db: None) -> Neighbour:
    return Neighbour.move_in("MINE")


@pytest.fixture
def theirs(db: None) -> Neighbour:
    return Neighbour.move_in("THEIRS")


def colleague(of: Neighbour, *, may_all: bool = False) -> User:
    """Of the staff of this neighbour's warehouse; `may_all`: with every permission of Django's besides."""
    made = factories.user(is_staff=True)
    made.warehouses.add(of.house)
    if may_all:
        made.user_permissions.set(Permission.objects.all())
    return made


def chief() -> User:
    return factories.user(is_staff=True, is_superuser=True)


def asking(user: User) -> HttpRequest:
    request = HttpRequest()
    request.user = user
    return request


def url(desk: admin.ModelAdmin[Any], page: str, *args: int) -> str:
    return reverse(f"admin:{desk.opts.app_label}_{desk.opts.model_name}_{page}", args=args)


# --- the forms of the models -----------------------------------------------------------------------


def test_each_field_of_the_desk_that_takes_keys_is_known(mine: Neighbour) -> None:
    """A later one is put among those that are refused, or it is said that no warehouse owns such rows."""
    assert {str(one) for one in offers(asking(chief()))} == OPEN | WALLED | SHARED


def test_no_key_gets_staff_without_a_permission_anywhere(mine: Neighbour, theirs: Neighbour) -> None:
    """Every field, sent to one's own row, to the other's and to a new one; a superuser's is written."""
    boss, worker = browser(chief()), browser(colleague(mine))
    for offer in offers(asking(chief())):
        key = key_of(theirs, offer.of)
        rows = [offer.desk.model._base_manager.filter(pk=_row(offer.desk, one)).get() for one in (mine, theirs)]
        sent = typed(boss, url(offer.desk, "change", rows[0].pk), offer.name, key)
        before = everything()
        for page in (url(offer.desk, "add"), *(url(offer.desk, "change", row.pk) for row in rows)):
            assert worker.post(page, sent).status_code in (403, 404), f"{offer} {page}"
            assert everything() == before, f"{offer} {page}"
        with transaction.atomic():
            answer = boss.post(url(offer.desk, "change", rows[0].pk), sent)
            assert answer.status_code == 302, f"{offer}: {[str(one) for one in answer.context['errors']]}"
            assert everything() != before, f"{offer}: the refusals above would show nothing"
            transaction.set_rollback(True)


def _row(desk: admin.ModelAdmin[Any], one: Neighbour) -> int:
    """One row of this desk's that is this neighbour's."""
    if desk.model is EmailAddress:
        # Not the one the owner signs in with: of those a user has one, so that no other's could be written over to it.
        return int(EmailAddress.objects.get_or_create(user=one.owner, email=f"second-{one.owner.email}")[0].pk)
    own = {"ShippingMethod": one.offered.pk, "Product": one.product.pk}
    name = desk.model.__name__
    return own[name] if name in own else key_of(one, desk.model)


def test_with_every_permission_the_walls_of_the_warehouse_still_stand(mine: Neighbour, theirs: Neighbour) -> None:
    boss, worker = browser(chief()), browser(colleague(mine, may_all=True))
    found = [offer for offer in offers(asking(chief())) if str(offer) in WALLED | SHARED]
    assert len(found) == len(WALLED | SHARED)
    for offer in found:
        sent = typed(boss, url(offer.desk, "change", _row(offer.desk, mine)), offer.name, key_of(theirs, offer.of))
        before = everything()
        worker.post(url(offer.desk, "change", _row(offer.desk, theirs)), sent)
        assert everything() == before, str(offer)
        if str(offer) in WALLED:
            for page in (url(offer.desk, "add"), url(offer.desk, "change", _row(offer.desk, mine))):
                assert "Select a valid choice" in worker.post(page, sent).content.decode()
        assert everything() == before, str(offer)


def walled_desks(user: User, theirs: Neighbour) -> list[admin.ModelAdmin[Any]]:
    """The lists that leave out rows for whoever works elsewhere, whatever else this user may do."""
    found = []
    for desk in admin.site._registry.values():
        seen = desk.get_queryset(asking(user)).count()
        if seen < desk.model._base_manager.count():
            found.append(desk)
    return found


def test_every_model_is_known_to_be_walled_or_open(mine: Neighbour, theirs: Neighbour) -> None:
    """With all permissions: those with walls show fewer rows than there are, if there is a row of the other's."""
    _ = Goods.of_neighbour(mine), Goods.of_neighbour(theirs)
    Order.objects.get(number="THEIRS-new").holds.create(cause="address", text="Which?")
    walled = {desk.model.__name__ for desk in walled_desks(colleague(mine, may_all=True), theirs)}
    assert walled == BY_WAREHOUSE
    made_by_shops = {"Shipment", "SeenOrder"}  # walled in tests/orders/test_desk_pages.py
    by_permission = {desk.model.__name__ for desk in admin.site._registry.values()} - walled - made_by_shops
    assert by_permission == BY_PERMISSION


def test_actions_and_filters_of_a_walled_list_reach_one_s_own_rows_only(mine: Neighbour, theirs: Neighbour) -> None:
    _ = Goods.of_neighbour(mine), Goods.of_neighbour(theirs)
    user = colleague(mine, may_all=True)
    client, before = browser(user), everything()
    strange = {theirs.house, theirs.merchant.pk, theirs.shop.pk, theirs.method.method_id, theirs.offered.pk}
    for desk in walled_desks(user, theirs):
        page = url(desk, "changelist")
        own = set(desk.get_queryset(asking(user)).values_list("pk", flat=True))
        others = list(desk.model._base_manager.exclude(pk__in=own).values_list("pk", flat=True))
        for action in desk.get_actions(asking(user)):
            ticked = {"action": action, "_selected_action": others, "index": 0, "post": "yes", "answer": "No."}
            shown = client.post(page, ticked, follow=True).content.decode()
            assert everything() == before, f"{desk.model.__name__} {action}"
            assert "THEIRS-" not in shown, f"{desk.model.__name__} {action}"
        for name in _filters(desk):
            for key in strange:
                shown = client.get(page, {name: key}, follow=True).content.decode()
                assert "THEIRS-" not in shown.replace("THEIRS-carrier", ""), f"{desk.model.__name__} {name}"


def _filters(desk: admin.ModelAdmin[Any]) -> set[str]:
    """The words that narrow a list, by key of what it shows."""
    found: set[str] = set()
    for one in desk.list_filter:
        if isinstance(one, type):
            found.add(str(getattr(one, "parameter_name", "")))
        else:
            found.add(f"{one[0] if isinstance(one, tuple) else one}__id__exact")
    return found


def test_completion_finds_nothing_for_who_works_in_a_warehouse_only(mine: Neighbour, theirs: Neighbour) -> None:
    """Each field that asks for it, by its widget; a superuser finds it."""
    boss, worker = browser(chief()), browser(colleague(mine))
    tried = 0
    for desk in admin.site._registry.values():
        for model, name in [(one.model, field) for one in (desk, *desk.inlines) for field in one.autocomplete_fields]:
            tried += 1
            meta = model._meta
            asked = {"app_label": meta.app_label, "model_name": meta.model_name, "field_name": name, "term": "THEIRS"}
            assert worker.get(reverse("admin:autocomplete"), asked).status_code == 403
            key_of(theirs, meta.get_field(name).related_model)
            assert boss.get(reverse("admin:autocomplete"), asked).json()["results"]
    by_widget = {str(one) for one in offers(asking(chief())) if _completes(one.desk, one.name)}
    assert tried >= len(by_widget) >= 3


def _completes(desk: admin.ModelAdmin[Any], name: str) -> bool:
    forms = [desk.get_form(asking(chief()))]
    forms += [inline.get_formset(asking(chief())).form for inline in desk.get_inline_instances(asking(chief()))]
    found = [form.base_fields[name].widget for form in forms if name in form.base_fields]
    return any(isinstance(getattr(one, "widget", one), AutocompleteMixin) for one in found)


# --- pages of our own ------------------------------------------------------------------------------


@pytest.mark.parametrize("case", DESK_CASES.values(), ids=list(DESK_CASES))
@pytest.mark.parametrize("may_all", [False, True], ids=["of the warehouse", "with every permission"])
def test_a_stranger_s_key_in_an_address_or_a_field_of_the_desk(
    case: DeskCase, may_all: bool, mine: Neighbour, theirs: Neighbour
) -> None:
    ours, strange = Goods.of_neighbour(mine), Goods.of_neighbour(theirs)
    client, before = browser(colleague(mine, may_all=may_all)), everything()
    tries = [(strange, strange), (strange, ours)]
    tries += [(ours, strange)] if case.fields(ours) != case.fields(strange) else []  # fields without keys are one's own
    for address, fields in tries:
        answer = client.post(case.address(address), case.fields(fields), follow=True)
        assert everything() == before
        assert "THEIRS-" not in answer.content.decode()
    both = {**case.fields(strange), **case.fields(ours)}
    client.post(case.address(ours), both)
    after = everything()
    assert after != before, "one's own is done, else the refusals would show nothing"
    assert _of(theirs, strange) == _of(theirs, strange, before)


def _of(one: Neighbour, goods: Goods, rows: dict[str, list[str]] | None = None) -> list[str]:
    """The rows of orders, lines and stock that are this neighbour's."""
    stored = rows or everything()
    names = [f'"number": "{one.name}', f'"product_id": {one.product.pk},', f'"update_id": {one.update.pk},']
    names += [f'"id": {goods.stock.pk}, "product_id"', f'"stock_id": {goods.stock.pk},']
    return [row for found in stored.values() for row in found if any(name in row for name in names)]


def test_each_page_and_each_form_of_the_desk_s_own_is_tried() -> None:
    djangos = ("_changelist", "_add", "_history", "_delete", "_change")
    own = {one.name.removeprefix("admin:") for one in addresses("desk") if one.model and one.name}
    own = {name for name in own if name and not name.endswith(djangos)}
    only_read = {"orders_order_pick_list", "auth_user_password_change"}
    assert own - only_read == set(DESK_CASES), "add it to DESK_CASES in tests/security/desk_forms.py"
    assert desk_form_classes() - TAKE_NO_KEY == {case.form for case in DESK_CASES.values()} - {""}


def test_the_forms_beside_the_actions_offer_no_rows() -> None:
    for desk in admin.site._registry.values():
        words = {"action", "select_across"}
        assert set(desk.action_form.base_fields) - words <= {"answer"}, desk


def test_a_field_that_comes_later_would_be_noticed(mine: Neighbour, monkeypatch: pytest.MonkeyPatch) -> None:
    desk = next(one for one in admin.site._registry.values() if one.model is Order)
    monkeypatch.setattr(desk, "fieldsets", ((None, {"fields": ("merchant", "warehouse")}),))
    monkeypatch.setattr(type(desk), "has_change_permission", lambda *args, **kwargs: True)
    monkeypatch.setattr(desk, "raw_id_fields", ("merchant",))
    found = {str(one) for one in offers(asking(chief()))}
    assert {"orders.Order.merchant", "orders.Order.warehouse"} <= found
