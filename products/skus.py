"""What is right and wrong about SKUs and EANs. Pure."""

import unicodedata

from stdnum import ean as ean_numbers

FOLDED = 600  # characters kept of the form: some grow when folded
INVISIBLE = ("Cc", "Cf", "Zl", "Zp")


def fold(sku: str) -> str:
    """The SKU as a hurried person reads it: without blanks, whatever the case. SKUs of one such form are twins."""
    folded = "".join(unicodedata.normalize("NFKC", sku).split()).casefold()[:FOLDED]
    return folded if folded == sku else fold(folded)  # a lone accent joins its letter only when the blank is gone


def forbidden_characters(sku: str) -> str:
    """The characters of the SKU that a warehouse cannot keep: slashes, control, unreadable ones; "" when clean."""
    return "".join(sorted({sign for sign in sku if sign in "/\\\ufffd" or unicodedata.category(sign) in INVISIBLE}))


def is_ean(text: str) -> bool:
    """EAN-8, UPC-A, EAN-13 or GTIN-14 with a right check digit; digits only."""
    return text.isascii() and text.isdigit() and ean_numbers.is_valid(text)
