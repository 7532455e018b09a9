"""Where the front page leads."""

from __future__ import annotations

from typing import Any

from django.urls import NoReverseMatch, reverse
from django.utils.http import urlencode


def to(view: str, *args: Any, **words: Any) -> str:
    """The page of that name with these words behind the question mark; "" where there is no such page."""
    try:
        address = reverse(view, args=args)
    except NoReverseMatch:
        return ""
    said = {name: word for name, word in words.items() if word not in ("", None)}
    return f"{address}?{urlencode(said)}" if said else address


def order_list(merchant: int, **words: Any) -> str:
    """The order list, narrowed by the words of its filter: `status`, `cause`, `which`, `shop`, `shipped` and others."""
    return to("orders:list", merchant, **words)


def sync_address(merchant: int, **words: Any) -> str:
    """*Sync webshop products*, narrowed by `shop`, `tab`, `problem` or `q`."""
    return to("products:sync", merchant, **words)
