"""Barcodes of the GTIN family: EAN-8, UPC-A, EAN-13 and GTIN-14."""

from __future__ import annotations

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

GTIN_LENGTHS = (8, 12, 13, 14)


def gtin_is_valid(code: str) -> bool:
    """Whether the code has a GTIN's length, only ASCII digits, and the right check digit.

    Source: GS1 General Specifications, section 7.9 (weights 3 and 1, alternating from the right).
    """
    if len(code) not in GTIN_LENGTHS or not (code.isascii() and code.isdigit()):
        return False
    digits = [int(character) for character in reversed(code)]
    return sum(digit * (3 if place % 2 else 1) for place, digit in enumerate(digits)) % 10 == 0


def validate_gtin(code: str) -> None:
    """Raise `ValidationError` for a code that is not a GTIN."""
    if not gtin_is_valid(code):
        raise ValidationError(
            _("%(code)s is not a valid barcode. Enter 8, 12, 13 or 14 digits, including the check digit."),
            code="barcode_invalid",
            params={"code": code},
        )


def gtin_variants(code: str) -> list[str]:
    """Return every way to write a product number, the code's own way first.

    A UPC-A is an EAN-13 without its leading 0, and both are a GTIN-14 without leading zeros; a scanner and a
    package may differ in which they use. A code that is not a GTIN has no variants.
    """
    if not gtin_is_valid(code):
        return []
    number = code.lstrip("0")
    written = [number.zfill(length) for length in GTIN_LENGTHS if len(number) <= length]
    return [code, *(variant for variant in written if variant != code)]
