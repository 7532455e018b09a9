"""What is picked, whatever the plugin shows of a bundle. The four layouts, by the plugin's own names:

only containing items         parts alone, each telling which bundle it is part of
containing items in bundles   a bundle, its parts inside
only bundles                  a bundle, nothing else: what to pick is not known
bundles and containing items  a bundle and its parts side by side
"""

from collections.abc import Iterator, Sequence

from integrations.connectors.centra.wire import LineRow, decode, flag, rows, text


def physical(lines: Sequence[LineRow]) -> Iterator[tuple[LineRow, str]]:
    """Every line that is a thing on a shelf, with the name of the bundle it came in, or `""`."""
    names = {text(line.line_id, "lineId"): text(line.name, "name") for line in lines if _is_bundle(line)}
    for line in lines:
        if _is_bundle(line):
            yield from ((part, text(line.name, "name")) for part in _parts(line))
        else:
            reference = _reference(line)
            yield line, names.get(reference) or reference


def has_unopened(lines: Sequence[LineRow]) -> bool:
    """Whether a bundle stands there without its parts.

    Parts beside it may name the bundle by its line id or by another id (no source tells which), so parts that name
    something unknown open one bundle for each different name.
    """
    closed = {text(line.line_id, "lineId") for line in lines if _is_bundle(line) and not _parts(line)}
    references = {_reference(line) for line in lines if not _is_bundle(line)} - {""}
    unexplained = references - {text(line.line_id, "lineId") for line in lines}
    return len(closed - references) > len(unexplained)


def _parts(bundle: LineRow) -> list[LineRow]:
    return [decode(part, LineRow) for part in rows(bundle.bundle)]


def _is_bundle(line: LineRow) -> bool:
    return flag(line.is_bundle, "isBundle") or bool(rows(line.bundle))


def _reference(part: LineRow) -> str:
    """What the part says it is part of; 0 and false stand for nothing."""
    found = text(part.is_part_of_bundle, "isPartOfBundle")
    return "" if found in ("0", "false") else found
