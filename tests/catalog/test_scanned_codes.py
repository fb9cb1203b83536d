"""What scanners and people send, and which product numbers it stands for."""

from __future__ import annotations

import time

import pytest

from catalog.models import Product
from catalog.scanned_codes import TEXT_MAX_CHARACTERS, barcode_spellings, gtins_of
from catalog.selectors import product_list

EAN, GTIN14 = "4006381333931", "09506000134352"
GS = "\x1d"

CASES = {
    "plain EAN-13": (EAN, [EAN]),
    "plain UPC-A": ("036000291452", ["036000291452"]),
    "plain EAN-8": ("40170725", ["40170725"]),
    "plain GTIN-14": ("10614141000415", ["10614141000415"]),
    "blanks around and a line end": (f" \t{EAN}\r\n", [EAN]),
    "blanks and hyphens between": ("978-0-306 40615 7", ["9780306406157"]),
    "typographic hyphens": ("978\u20110\u2013306\u201240615\u20147", ["9780306406157"]),
    "full-width digits": ("４００６３８１３３３９３１", [EAN]),
    "full-width digits and blank": ("４００６３８１\u3000３３３９３１", [EAN]),
    "zero-width characters": (f"\ufeff{EAN}\u200b", [EAN]),
    "control characters of a scanner": (f"\x02{EAN}\x03", [EAN]),
    "AIM EAN-13": (f"]E0{EAN}", [EAN]),
    "AIM EAN-8": ("]E440170725", ["40170725"]),
    "AIM Code 128": (f"]C0{EAN}", [EAN]),
    "AIM ITF-14": ("]I118801234567890", ["18801234567890"]),
    "AIM QR Code": (f"]Q1{EAN}", [EAN]),
    "AIM GS1-128": (f"]C101{GTIN14}", [GTIN14]),
    "AIM GS1 DataMatrix": (f"]d201{GTIN14}17261231", [GTIN14]),
    "AIM GS1 QR": (f"]Q301{GTIN14}10LOT{GS}21123", [GTIN14]),
    "AIM GS1 DataBar": ("]e00108801234567893", ["08801234567893"]),
    "AIM in full width": ("］Ｅ０４００６３８１３３３９３１", [EAN]),
    "EAN-13 with add-on, marked": (f"]E3{EAN}12", [EAN]),
    "EAN-13 with add-on after a blank": (f"{EAN} 05", [EAN]),
    "EAN-13 with add-on of five": (f"{EAN}+54495", [EAN]),
    "EAN-8 or UPC-E": ("12345670", ["12345670", "123456000070"]),
    "UPC-E ending in 1": ("04252614", ["042100005264"]),
    "UPC-E ending in 5, or EAN-8": ("01234565", ["01234565", "012345000065"]),
    "UPC-E marked as such": ("]E001234565", ["012345000065", "01234565"]),
    "UPC-E ending in 3": ("04252635", ["042500000265"]),
    "UPC-E ending in 4, or EAN-8": ("04252641", ["04252641", "042520000061"]),
    "element string in brackets": (f"(01){GTIN14}(17)261231(10)AB-1", [GTIN14]),
    "element string in brackets, another first": (f"(17)261231(01){GTIN14}", [GTIN14]),
    "element string with blanks": (f"(01) {GTIN14} (10) LOT", [GTIN14]),
    "element string without marks": (f"01{GTIN14}", [GTIN14]),
    "element string without marks, more after it": (f"01{GTIN14}1726123110LOT", [GTIN14]),
    "element string after FNC1": (f"{GS}01{GTIN14}", [GTIN14]),
    "element string, fixed length first": (f"{GS}1126010101{GTIN14}", [GTIN14]),
    "element string, variable length first": (f"]C110LOT01{GS}01{GTIN14}", [GTIN14]),
    "element string, weight before": (f"]C1310300123401{GTIN14}", [GTIN14]),
    "element string, visible separators": (f"<GS>10LOT<GS>01{GTIN14}", [GTIN14]),
    "element string, symbol for the separator": (f"\u241d01{GTIN14}\u241d", [GTIN14]),
    "01 within a batch is no GTIN": (f"]C110A01{GTIN14}", []),
    "content of a pallet is no item for sale": (f"]C102{GTIN14}3724", []),
    "link": (f"https://id.gs1.org/01/{GTIN14}", [GTIN14]),
    "link with more": (f"https://example.com/shop/01/{GTIN14}/10/LOT?17=261231#top", [GTIN14]),
    "link in capitals": (f"HTTPS://ID.GS1.ORG/01/{GTIN14}", [GTIN14]),
    "link with an alias": (f"https://example.com/gtin/{EAN}", [EAN]),
    "link without scheme": (f"id.gs1.org/01/{GTIN14}", [GTIN14]),
    "link with AIM prefix": (f"]Q1https://id.gs1.org/01/{GTIN14}", [GTIN14]),
    "link, percent-encoded": (f"https://id.gs1.org/01%2F{GTIN14}", [GTIN14]),
    "link, brackets around": (f" https://example.com/01/{GTIN14} ", [GTIN14]),
    "link to something else": ("https://example.com/recipes/4006381333931", []),
    "link with a wrong check digit": ("https://id.gs1.org/01/09506000134353", []),
    "link with a number in the query": (f"https://example.com/?u=/01/{GTIN14}", []),
    "wrong check digit": ("4006381333932", []),
    "marked, with a wrong check digit": ("]E04006381333932", []),
    "too few digits": ("36000291452", []),
    "letters": ("ABC-123", []),
    "letters around digits": (f"x{EAN}", []),
    "digits of another script": ("٠٣٦٠٠٠٢٩١٤٥٢", []),
    "only a prefix": ("]E0", []),
    "only separators": (GS * 5, []),
    "nothing": ("", []),
}


# What zxing, which reads the camera's pictures, makes of codes on packs, shelves and scales.
CASES |= {
    "camera, DataBar": ("(01)08801234567893", ["08801234567893"]),
    "camera, ITF-14": ("18801234567890", ["18801234567890"]),
    "camera, UPC-E": ("0012345000065", ["0012345000065"]),
    "camera, QR Code": ("https://id.gs1.org/01/08801234567893", ["08801234567893"]),
    "camera, label of a scale": ("2412345012347", ["2412345012347"]),
}


@pytest.mark.parametrize(("scanned", "gtins"), CASES.values(), ids=CASES.keys())
def test_a_scanned_text_is_read(scanned: str, gtins: list[str]) -> None:
    assert gtins_of(scanned) == gtins


def test_a_long_text_is_not_looked_at() -> None:
    assert TEXT_MAX_CHARACTERS == 512
    link = f"https://example.com/01/{EAN}?x="
    assert gtins_of(link.ljust(512, "x")) == [EAN]
    assert gtins_of(link.ljust(513, "x")) == []


@pytest.mark.parametrize("part", ["/01/1", "(01)", "01", GS, "-", "]E", "]d210", "<GS>", " 0"])
def test_no_text_takes_long(part: str) -> None:
    started_s = time.thread_time()
    gtins_of((part * 512)[:512])
    assert time.thread_time() - started_s < 0.05


def test_every_number_is_spelled_with_and_without_zeros() -> None:
    assert barcode_spellings("]E001234565") == [
        "012345000065",
        "0012345000065",
        "00012345000065",
        "01234565",
        "000001234565",
        "0000001234565",
        "00000001234565",
    ]


@pytest.mark.parametrize(
    "scanned", [f"]E0{EAN}", f"https://id.gs1.org/01/0{EAN}", "４００６３８１３３３９３１"]
)
def test_products_are_found_by_what_a_scanner_sends(db: None, scanned: str) -> None:
    product = Product.objects.create(name="Tea", barcode=EAN)
    Product.objects.create(name="Milk", barcode="40170725")
    assert list(product_list(q=scanned)) == [product]
    assert list(product_list(barcode=scanned)) == [product]
