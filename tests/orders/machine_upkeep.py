"""What people change at the connection of a small world's shop, and in the lines of its orders, while work goes on.

Through the same forms and pages as everybody.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from django.urls import reverse

from integrations.forms import IntegrationForm
from integrations.models import Integration
from integrations.moving import Which
from orders import moves
from orders.lines import Lines
from orders.models import Order, Status
from products import create
from products.problems import Code
from sandbox.models import Size
from tests import factories
from tests.orders.machine_ground import SECRET
from tests.orders.machine_mending import Mending


class Upkeep(Mending):
    """*Edit Merchant → Integrations*, an order's lines, and the shop's SKUs."""

    # --- the integration -------------------------------------------------------------------

    def set_up(self, **changed: Any) -> None:
        """Other settings, then Save: what is not changed is sent along as it stands in the form."""
        form = IntegrationForm(instance=self.integration)
        shown = {name: form[name].value() for name in form.fields if name != "secret"} | changed
        typed = {name: value for name, value in shown.items() if value is not None and value is not False}
        typed["creates_products"] = str(shown["creates_products"])
        answer = self.browser.post(reverse("integrations:edit", args=[self.merchant.pk, self.integration.pk]), typed)
        assert answer.status_code in (200, 302), f"{changed}: {answer.status_code}"
        self.integration.refresh_from_db()
        self.plugin.stock_mode = self.integration.stock_as  # both are told
        self.plugin.save(update_fields=["stock_mode"])
        self.has_hidden_tracking |= not self.integration.sends_tracking
        self.has_captured |= self.integration.captures == Integration.Captures.HAND_OVER

    def move_host(self) -> None:
        """The same shop at its other address."""
        names = ("localhost", "127.0.0.1")
        here = next(name for name in names if f"//{name}:" in self.integration.base_url)
        there = self.integration.base_url.replace(here, names[1 - names.index(here)])
        self.set_up(base_url=there, secret=SECRET, which_shop=Which.SAME)

    def reconnect(self) -> None:
        """The integration is deleted, and the same shop connected anew, its items found and linked."""
        old = self.integration
        kept = (
            "name", "base_url", "time_zone", "takes_orders_since", "takes_pending", "reads", "captures", "warehouse",
            "is_paid_elsewhere", "cancels_with_shop", "sends_stock", "stock_as", "safety_buffer",
        )  # fmt: skip
        links = [(link.value, link.method.method) for link in old.method_links.select_related("method__method")]
        said = {name: getattr(old, name) for name in kept}
        url = reverse("orders:delete_integration", args=[self.merchant.pk, old.pk])
        answer = self.browser.post(url, {"name": old.name})
        assert answer.status_code == 302, f"{old} is not deleted"
        self.integration = factories.integration(self.merchant, **said)
        self.run("refresh", asked=True)
        self.create_products()
        for value, method in links:
            self.link(value, method)

    def run(self, pipe: str, *, asked: bool = False) -> Any:
        raise NotImplementedError

    # --- an order's lines ------------------------------------------------------------------

    def edit_as_draft(self, pick: int, pieces: int, extra: int | None, *, saves: bool) -> None:
        """Opened for editing, where it is not yet; and, if so wished, saved as NEW behind that."""
        order = self.one(pick, Status.DRAFT, Status.NEW, Status.PENDING, Status.RESERVED)
        if order is None:
            return
        with suppress(moves.NotPossible):
            if order.status in (Status.NEW, Status.PENDING):
                moves.to_draft(order, "Kim")
            self.edit_lines(order, pieces, extra)
            order.refresh_from_db()
            if saves:
                moves.save_as_new(order, "Kim")

    def edit_lines(self, order: Order, pieces: int, extra: int | None = None) -> None:
        """*Edit*: so many pieces of its first line, and perhaps one of an item besides, by hand."""
        rows = [row for row in Lines.of(order).rows if row.line is not None]
        if not rows:
            return
        rows[0].pieces = str(pieces)
        typed: dict[str, list[str]] = {
            "line": [str(row.line.pk) for row in rows if row.line],
            "sku": [row.sku for row in rows],
            "pieces": [row.pieces for row in rows],
            "price": ["" for _row in rows],
        }
        if extra is not None:
            sku = self.products[extra % len(self.products)].sku
            for name, text in (("line", ""), ("sku", sku), ("pieces", "1"), ("price", "")):
                typed[name].append(text)
        self.edit(order, **typed)

    # --- SKUs ------------------------------------------------------------------------------

    def rename(self, item: int) -> None:
        """Another SKU in the shop, or again the one that it had."""
        size = Size.objects.get(pk=self.sizes[item % len(self.sizes)].pk)
        size.change_sku(size="-M" if size.sku != "-M" else "-L")
        self.sizes = [Size.objects.get(pk=one.pk) for one in self.sizes]

    def answer_rename(self, *, relinks: bool) -> None:
        """*Relink* or *Keep*, for all whose SKU was changed."""
        changed = self.integration.webshop_products.with_problem(Code.SKU_CHANGED)
        for item in list(changed.filter(product__isnull=False).order_by("pk")):
            if relinks:
                create.relink(item)
            else:
                create.keep_link(item)
        self.create_products()
