"""Switches for what Centra's documents leave open: each shop may be set to behave one way or the other.

The first choice of a switch is its default, the behaviour that is most likely. A shop keeps only what differs.
"""

from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Value = str | int | bool | None


@dataclass(frozen=True)
class Switch:
    """One open question: its name in code, the sentence on the page, and the answers, the likeliest first."""

    name: str
    label: str | Promise
    choices: tuple[tuple[Value, str | Promise], ...]

    @property
    def default(self) -> Value:
        return self.choices[0][0]

    def accepts(self, value: Value) -> bool:
        # 1 == True in Python, and both are answers here.
        return any(value == choice and type(value) is type(choice) for choice, _label in self.choices)


SWITCHES = (
    Switch(
        "bad_secret",
        _("A wrong key is answered with"),
        (
            ("401", _("401 and JSON")),
            ("403", _("403 and JSON")),
            ("200", _("200 and status no")),
            ("html", _("a page in HTML")),
        ),
    ),
    Switch("unknown_path", _("An unknown address is answered with"), (("404", "404"), ("200", _("200 and status no")))),
    Switch("malformed_json", _("Unreadable JSON is answered with"), (("200", _("200 and status no")), ("400", "400"))),
    Switch(
        "order_status",
        _("The status of an order is written as"),
        (("numeric string", _("a numeric text")), ("name", _("a name")), ("number", _("a number"))),
    ),
    Switch(
        "order_direction",
        _("Orders are listed"),
        (("plugin", _("as the plugin says")), ("oldest", _("oldest first")), ("newest", _("newest first"))),
    ),
    Switch("orders_cap", _("Most orders on one page"), ((None, _("as many as asked for")), (100, "100"))),
    Switch(
        "shipments_default",
        _("Shipments on a page when no limit is given"),
        ((None, _("all")), (20, "20"), (100, "100")),
    ),
    Switch("price", _("Prices of products are written as"), (("number", _("numbers")), ("string", _("texts")))),
    Switch(
        "item_qty",
        _("Pieces per warehouse are written as"),
        (("mixed", _("numbers in orders, texts in shipments")), ("string", _("texts"))),
    ),
    Switch("numeric_shipment_ids", _("Shipments can be addressed by number"), ((True, _("yes")), (False, _("no")))),
    Switch("missing_shipped", _("Completing without “shipped” means sent"), ((True, _("yes")), (False, _("no")))),
    Switch(
        "lines_not_sent",
        _("Lines left out when a shipment is changed are"),
        (("kept", _("kept")), ("removed", _("removed"))),
    ),
    Switch(
        "identical_shipment",
        _("An open shipment with the same lines is returned instead of a new one"),
        ((True, _("yes")), (False, _("no"))),
    ),
    Switch(
        "next_repeats_filters", _("The link to the next page repeats the filters"), ((True, _("yes")), (False, _("no")))
    ),
    Switch(
        "unknown_order", _("An unknown order is answered with"), (("empty", _("an empty list")), ("no", _("status no")))
    ),
    Switch("single_shipment", _("One shipment can be read by its id"), ((True, _("yes")), (False, _("no")))),
    Switch("bearer", _("The key is also taken as a bearer token"), ((True, _("yes")), (False, _("no")))),
    Switch("empty_object_as_list", _("An empty object is written as []"), ((False, _("no")), (True, _("yes")))),
    Switch(
        "cancelled_lowers_qty", _("Cancelled pieces lower the quantity of a line"), ((True, _("yes")), (False, _("no")))
    ),
    Switch(
        "ambiguous_stock",
        _("A stock figure whose identifier fits several items goes to"),
        (("first", _("the first of them")), ("refused", _("none of them"))),
    ),
    Switch("ingrid_on_shipments", _("Shipments repeat Ingrid's delivery choice"), ((False, _("no")), (True, _("yes")))),
    Switch(
        "bundles_in_products",
        _("Bundles are listed among the products"),
        (("shown", _("yes")), ("flagged", _("yes, with a mark")), ("hidden", _("no"))),
    ),
    Switch("complete_again", _("Completing a sent shipment again is"), (("no", _("refused")), ("ok", _("accepted")))),
    Switch("invoice_on_capture", _("Taking the payment makes an invoice"), ((True, _("yes")), (False, _("no")))),
    Switch("escapes_slashes", _("Slashes in JSON are escaped"), ((True, _("yes")), (False, _("no")))),
)
BY_NAME = {switch.name: switch for switch in SWITCHES}
