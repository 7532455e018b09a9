"""Where an address is: what the post and the customs want to know. ISO 3166 alpha-2 codes."""


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


# Monaco is treated as part of France.
EU = _codes("AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE MC")
# Countries whose addresses have no postal codes, or where they are not in use (Universal Postal Union).
WITHOUT_ZIP_CODES = _codes(
    "AE AG AN AO AW BF BI BJ BO BS BW BZ CD CF CG CI CK CM DJ DM ER FJ GD GH GM GN GQ GY HK JM KI KM KN KP LC ML "
    "MO MR MS MU MW NR NU QA RW SB SC SL SO SR ST SY TF TG TK TL TO TT TV TZ UG VU YE ZW"
)


def has_zip_codes(country: str) -> bool:
    return country not in WITHOUT_ZIP_CODES


def is_outside_customs_union(country: str, warehouse_country: str) -> bool:
    """Whether a parcel crosses the border of the customs union. Unknown countries are asked for elsewhere."""
    home = warehouse_country or "SE"
    return bool(country) and country != home and not (home in EU and country in EU)
