"""What makes orders of a small world wait at the merchant's, and what people press so that they wait no more.

Through the same forms and jobs as the pages: Link, Refresh and Create product, Edit, Send it all the same.
"""

from __future__ import annotations

from django.test import Client
from django.urls import reverse

from orders import moves
from orders.forms import OrderForm
from orders.models import Cause, Hold, Order, Status
from orders.models.hold import MAY_BE_OVERRULED
from products import creating
from products.models import Product
from sandbox.models.order import SOMEBODY
from shipping.models import MerchantMethod
from tests import factories
from tests.orders.machine_ground import Ground

LACKS = {"phone": {"cell": ""}, "city": {"city": ""}, "": {}}
FILLED_IN = {
    Cause.PHONE: {"phone": "+46700000009"},
    Cause.PICKUP_POINT: {"pickup_point": "SE-4711"},
    Cause.ADDRESS: {"city": "Malmö"},
}


def address(country: str, lacks: str) -> dict[str, str]:
    """Somebody's, in this country, without one of its fields."""
    return {**SOMEBODY, "country": country, **LACKS[lacks]}


class Mending(Ground):
    """The merchant's pages about what is missing."""

    _browser: Client | None = None

    @property
    def browser(self) -> Client:
        """Of somebody who may change everything."""
        if self._browser is None:
            user = factories.user()
            self.merchant.link(user)
            self._browser = Client()
            self._browser.force_login(user)
        return self._browser

    def edit(self, order: Order, **changed: object) -> None:
        """*Edit*, then Save: what is not changed is sent along as it stands in the form."""
        form = OrderForm(instance=order)
        shown = {name: form[name].value() or "" for name in form.fields}
        url = reverse("orders:edit", args=[self.merchant.pk, order.pk])
        answer = self.browser.post(url, {**shown, **changed})
        assert answer.status_code in (200, 302), f"{order}: {answer.status_code}"

    def fill_in(self, order: Order) -> None:
        """All that its reasons say is missing in the order itself."""
        fields: dict[str, object] = {}
        for cause in order.holds.values_list("cause", flat=True):
            fields |= FILLED_IN.get(Cause(cause), {})
        if fields:
            self.edit(order, **fields)

    def add_line(self, order: Order) -> None:
        """One piece of something that the shop knows nothing of."""
        if order.status in (Status.NEW, Status.PENDING):
            moves.to_draft(order, "Kim")
        if order.status in (Status.DRAFT, Status.RESERVED):
            self.edit(order, line="", sku=self.products[1].sku, pieces="1", price="")
            order.refresh_from_db()
            moves.save_as_new(order, "Kim")

    def take_out(self, order: Order) -> None:
        """None of its first line is sent."""
        line = order.lines.order_by("pk").first()
        if order.status in (Status.NEW, Status.PENDING):
            moves.to_draft(order, "Kim")
        if line is not None and order.status in (Status.DRAFT, Status.RESERVED):
            self.edit(order, line=str(line.pk), sku=line.sku, pieces="0", price="")
            order.refresh_from_db()
            moves.save_as_new(order, "Kim")

    def choose_method(self, order: Order) -> None:
        self.edit(order, method=self.methods[0].pk if self.methods else self.method.pk)

    def overrule(self, order: Order) -> None:
        causes = {Cause(cause) for cause in order.holds.values_list("cause", flat=True)}
        moves.overrule(order, causes & MAY_BE_OVERRULED, "Kim")

    def create_products(self) -> None:
        """*Sync webshop products*: all that are new, created by the background work."""
        creating.want(self.integration, self.integration.webshop_products.all(), "Kim")
        creating.work(self.integration.pk)
        self.products.extend(Product.objects.for_merchant(self.merchant).exclude(pk__in=[p.pk for p in self.products]))

    def mend_all(self) -> None:
        """Whatever waits for the merchant waits no more."""
        MerchantMethod.objects.filter(merchant=self.merchant).answer(MerchantMethod.State.ACTIVE, "")
        for word in self.integration.shop_methods.exclude(value_folded__in=self._linked_words()):
            self.link(word.value, self.method)
        self.create_products()
        for hold in Hold.objects.filter(order__in=self.orders(Status.RESERVED), cause=Cause.UNKNOWN_SKU):
            self.make_product(hold.subject)
        for product in Product.objects.for_merchant(self.merchant).filter(hs_code=""):
            product.hs_code, product.country_of_origin = "61101190", "SE"
            product.save()

    def make_product(self, sku: str) -> None:
        """By hand: the shop sold it under this SKU, and has another one for it now."""
        if not Product.objects.for_merchant(self.merchant).filter(sku=sku).exists():
            self.products.append(factories.product(self.merchant, sku=sku))

    def fill_in_all(self) -> None:
        """What the orders themselves lack; some say so only once another reason is gone, as a method that is back."""
        for order in list(self.orders(Status.RESERVED).filter(holds__isnull=False).distinct()):
            self.fill_in(order)

    def _linked_words(self) -> list[str]:
        return list(self.integration.method_links.values_list("value_folded", flat=True))
