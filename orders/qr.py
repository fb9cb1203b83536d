"""QR codes of links, drawn as SVG: receipts, and the pairing of lanes."""

from __future__ import annotations

from collections.abc import Iterable

import segno
from django.utils.safestring import SafeString, mark_safe

QUIET_ZONE = 4  # modules that the standard wants light on each side


def qr_svg(text: str) -> SafeString:
    """Return the QR code of a text as an SVG element for a page, dark on light whatever the theme.

    It scales to the box that it is put in. Whoever shows it says in words what it leads to: the element is
    hidden from screen readers. Raises `ValueError` for a text that no QR code holds (above 2 KB).
    """
    try:
        code = segno.make_qr(text, error="m", boost_error=False)
    except segno.DataOverflowError:
        raise ValueError(f"{len(text)} characters do not fit into a QR code.") from None
    size = code.symbol_size(border=QUIET_ZONE)[0]
    path = " ".join(
        f"M{column} {row}h{length}"
        for row, modules in enumerate(code.matrix_iter(border=QUIET_ZONE))
        for column, length in _dark_runs(modules)
    )
    return mark_safe(  # noqa: S308  # numbers only: the text itself is not in it
        f'<svg xmlns="http://www.w3.org/2000/svg" class="qr" viewBox="0 0 {size} {size}" '
        f'shape-rendering="crispEdges" aria-hidden="true" focusable="false">'
        f'<rect width="{size}" height="{size}" fill="#fff"/>'
        f'<path d="{path}" stroke="#000" transform="translate(0 .5)"/></svg>'
    )


def _dark_runs(modules: Iterable[int]) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    start = None
    for column, dark in enumerate([*modules, 0]):
        if dark and start is None:
            start = column
        elif not dark and start is not None:
            runs.append((start, column - start))
            start = None
    return runs
