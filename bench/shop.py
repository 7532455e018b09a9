"""A process that plays any number of shops: every answer lies in memory as bytes, so that it costs next to nothing.

python -m bench.shop --port 8400 --items 10000 --orders 1000        prints "ready" when all is rendered

/i10000/products     a shop with so many items                      /o1000/orders    a shop with so many orders
/i10000/stock        takes figures, after `--think` seconds a row   /idle/…          a shop in which nothing happens
/cpu                 this process's processor time so far, and the seconds it spent on taking figures
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Iterable
from urllib.parse import parse_qs

from bench.goods import ITEMS_PER_PAGE, ORDERS_PER_PAGE, order_pages, product_pages

EMPTY = {
    "products": b'{"status":"ok","products":[],"next":null}',
    "stock": b'{"status":"ok","products":[],"next":null}',
    "orders": b'{"status":"ok","orders":[]}',
    "shipments": b'{"status":"ok","shipments":[]}',
}
OK = b'{"status":"ok"}'


def answer(body: bytes, status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Shops:
    """What is served: pages by shop and list."""

    def __init__(self, items: Iterable[int], orders: Iterable[int], think: float) -> None:
        sizes = list(items)
        self.think = think
        self.taking = 0.0  # seconds spent on taking figures
        self.empty = {name: answer(body) for name, body in EMPTY.items()}
        self.pages = {(f"i{number}", "products"): list(map(answer, product_pages(number))) for number in sizes}
        least = min(sizes, default=1)  # every shop has the goods of the smallest
        self.pages |= {(f"o{number}", "orders"): list(map(answer, order_pages(number, least))) for number in orders}

    def find(self, target: str) -> bytes:
        path, _mark, query = target.partition("?")
        if path == "/cpu":
            return answer(b'{"cpu":%f,"taking":%f}' % (time.process_time(), self.taking))
        shop, _slash, name = path.strip("/").partition("/")
        asked = parse_qs(query)
        pages = [] if "modified" in asked else self.pages.get((shop, name), [])
        place = int(asked.get("page", ["0"])[0]) if name == "products" else self._offset(asked)
        if place < len(pages):
            return pages[place]
        return self.empty.get(name) or answer(b'{"status":"no","msg":"not found"}', "404 Not Found")

    def _offset(self, asked: dict[str, list[str]]) -> int:
        return -(-int(asked.get("offset", ["0"])[0]) // ORDERS_PER_PAGE)

    async def take(self, body: bytes) -> bytes:
        """`POST /stock`: as long as a shop needs for so many rows."""
        began = time.perf_counter()
        await asyncio.sleep(self.think * body.count(b'"quantity"'))
        self.taking += time.perf_counter() - began
        return answer(OK)


async def serve_one(shops: Shops, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One connection, kept open as long as the other side likes."""
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            method, target, _rest = head.split(b" ", 2)
            length = next(
                (int(row[15:]) for row in head.split(b"\r\n") if row.lower().startswith(b"content-length:")), 0
            )
            body = await reader.readexactly(length)
            writer.write(shops.find(target.decode()) if method == b"GET" else await shops.take(body))
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        writer.close()


async def serve(shops: Shops, port: int) -> None:
    server = await asyncio.start_server(lambda reader, writer: serve_one(shops, reader, writer), "0.0.0.0", port)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    async with server:
        await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--items", type=int, nargs="*", default=[ITEMS_PER_PAGE])
    parser.add_argument("--orders", type=int, nargs="*", default=[])
    parser.add_argument("--think", type=float, default=0.0, help="seconds that the shop needs for one row of stock")
    given = parser.parse_args()
    asyncio.run(serve(Shops(given.items, given.orders, given.think), given.port))


if __name__ == "__main__":
    main()
