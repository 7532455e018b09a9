"""A stand-in for Centra: shops with an Order API, after the documents, with levers for everything that goes wrong.

A shop with a plugin and products, as a test sets it up:

    from sandbox.models import Shop

    shop = Shop.open("nordlys", time_zone="Europe/Stockholm")
    plugin = shop.add_plugin(secret="key-of-nordlys")          # Order API at plugin.base_url(live_server.url)
    size = shop.add_size("FG1042", "-NVY", "-M", ean="7300000010428", stock=10)
    order = shop.place_order({size: 2}, shipping="express", country="SE")
    order.confirm()                                            # also: hold, resume, cancel, restore, archive …
    shop.break_endpoint("GET products", "status", times=2, skip=1, code=429, retry_after=3)

Stock: `size.set_stock(53)`, `size.change_sku(size="-L")`, `size.change(ean=…, is_active=False)`, `size.delete()`.
Shipments: `order.create_shipment({line.pk: 1}, good_to_go=True, capture=False)`, then `.capture()`,
`.complete(carrier=…)`, `.remove()`. Switches for what the documents leave open: `shop.set_switch("price", "string")`,
all in `switches.py`. Whole catalogues: `catalogue.fill(shop)` and, for load, `catalogue.many(shop, 20_000)`.
With `plugin.logs_calls = True` every call is kept in `plugin.calls`. The kinds of levers and their parameters stand at
`Fault`.

It imports no other app of the project and none imports it: only tests and the site map know of it.
"""
