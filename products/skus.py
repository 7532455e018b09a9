"""What is right and wrong about SKUs and EANs. Pure."""

import unicodedata

FOLDED = 600  # characters kept of the form: some grow when folded
EAN_LENGTHS = (8, 12, 13, 14)
ZERO = ord("0")
INVISIBLE = ("Cc", "Cf", "Zl", "Zp")


def fold(sku: str) -> str:
    """The SKU as a hurried person reads it: without blanks, whatever the case. SKUs of one such form are twins."""
    if sku.isascii():
        return "".join(sku.split()).lower()[:FOLDED]
    folded = "".join(unicodedata.normalize("NFKC", sku).split()).casefold()[:FOLDED]
    return folded if folded == sku else fold(folded)  # a lone accent joins its letter only when the blank is gone


def forbidden_characters(sku: str) -> str:
    """The characters of the SKU that a warehouse cannot keep: slashes, control, unreadable ones; "" when clean."""
    if sku.isascii() and sku.isprintable() and "/" not in sku and "\\" not in sku:
        return ""
    return "".join(sorted({sign for sign in sku if sign in "/\\\ufffd" or unicodedata.category(sign) in INVISIBLE}))


def is_ean(text: str) -> bool:
    """EAN-8, UPC-A, EAN-13 or GTIN-14 with a right check digit; digits only."""
    if len(text) not in EAN_LENGTHS or not (text.isascii() and text.isdigit()):
        return False
    digits = text.encode()
    odd, even = digits[-1::-2], digits[-2::-2]
    return not (sum(odd) + 3 * sum(even) - ZERO * (len(odd) + 3 * len(even))) % 10
