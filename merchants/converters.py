"""Ids in addresses: a number that no key can have is no address at all."""

from django.urls.converters import IntConverter


class KeyConverter(IntConverter):
    """Up to 18 digits, which every database can look up."""

    regex = r"\d{1,18}"
