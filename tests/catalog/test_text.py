"""Names and numbers as people and scanners write them."""

from __future__ import annotations

import pytest

from catalog.gtin import gtin_is_valid, gtin_variants
from catalog.text import text_clean


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("  Oat \t milk\r\n ", "Oat milk"),
        ("a\0b\x1bc\x7f", "abc"),
        ("\ud800x", "x"),
        ("\u202egpj.exe", "gpj.exe"),
        ("e\u0301", "\u00e9"),
        ("\u3000초코  우유", "초코 우유"),
        ("\0\n ", ""),
        ("\u200b\u2060", ""),
        ("\u3164\u2800 \u200d\ufe0f", ""),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("\U0001f468\u200d\U0001f373 \u2764\ufe0f", "\U0001f468\u200d\U0001f373 \u2764\ufe0f"),
    ],
)
def test_a_name_becomes_one_tidy_line(typed: str, stored: str) -> None:
    assert text_clean(typed) == stored


@pytest.mark.parametrize(
    ("scanned", "variants"),
    [
        ("036000291452", ["036000291452", "0036000291452", "00036000291452"]),
        ("0036000291452", ["0036000291452", "036000291452", "00036000291452"]),
        ("4006381333931", ["4006381333931", "04006381333931"]),
        ("10614141000415", ["10614141000415"]),
        ("40170725", ["40170725", "000040170725", "0000040170725", "00000040170725"]),
        ("4006381333932", []),
        ("x", []),
    ],
)
def test_a_number_is_found_however_many_zeros_lead_it(scanned: str, variants: list[str]) -> None:
    assert gtin_variants(scanned) == variants
    assert all(gtin_is_valid(variant) for variant in variants)
