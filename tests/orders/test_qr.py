"""QR codes as SVG: a reader gets the text back, and nothing but numbers is drawn."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree as ET

import numpy as np
import pytest
import zxingcpp

from orders.qr import qr_svg

LINK = "https://shop.example/r/" + "aB3_-" * 9 + "/"


def drawn(svg: str, *, scale: int = 6) -> np.ndarray:
    """Return the picture of a code, as a browser paints it: white, then the dark runs."""
    found = re.search(r'viewBox="0 0 (\d+)', svg)
    assert found
    size = int(found[1])
    picture = np.full((size, size), 255, np.uint8)
    for column, row, length in re.findall(r"M(\d+) (\d+)h(\d+)", svg):
        picture[int(row), int(column) : int(column) + int(length)] = 0
    return np.kron(picture, np.ones((scale, scale), np.uint8))


def test_a_reader_gets_the_text_back() -> None:
    [found] = zxingcpp.read_barcodes(drawn(qr_svg(LINK)))
    assert found.text == LINK


def test_it_is_well_formed_dark_on_light_and_hidden_from_screen_readers() -> None:
    root = ET.parse(io.StringIO(qr_svg(LINK))).getroot()  # noqa: S314  # our own text
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert root.get("aria-hidden") == "true"
    assert [root[0].get("fill"), root[1].get("stroke")] == ["#fff", "#000"]


def test_markup_in_the_text_is_not_in_the_page() -> None:
    assert "script" not in qr_svg("<script>alert(1)</script>")


def test_a_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        qr_svg("x" * 3000)
