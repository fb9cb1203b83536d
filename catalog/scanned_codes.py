"""Reads product numbers out of what scanners, cameras and people send: prefixes, blanks, links, GS1."""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import unquote

from catalog.gtin import gtin_is_valid, gtin_variants

TEXT_MAX_CHARACTERS = 512

# What ISO/IEC 15424 lets a scanner put in front: "]E0" for EAN-13, "]d2" for a GS1 DataMatrix, and so on.
_SYMBOLOGY = re.compile(r"\](?P<letter>[A-Za-z])(?P<modifier>[0-9A-Za-z])")
_GS1_SYMBOLOGIES = frozenset({"C1", "d2", "e0", "J1", "Q3"})
_ADD_ON_SYMBOLOGY = "E3"

# FNC1 arrives as the control character GS, or as one of the ways in which programs make it visible.
_SEPARATOR = "\x1d"
_SEPARATOR_SPELLINGS = re.compile(
    "\u241d|\u21d4|<GS>|\\{GS\\}|\\[GS\\]|<FNC1>|\\{FNC1\\}|\\[FNC1\\]", re.IGNORECASE
)

_DIGITS_APART = re.compile(r"[\s\u00ad\u2010-\u2015\u2212-]+")
_ADD_ON = re.compile(r"(\d{8}|\d{12,13})[ +](?:\d{2}|\d{5})")
_LINK = re.compile(r"/(?:01|gtin)/(\d{8}|\d{12,14})(?=[/?#]|$)", re.IGNORECASE)
_BRACKETED = re.compile(r"\(01\) ?(\d{14})(?!\d)")
_BRACKETED_START = re.compile(r"\(\d{2,4}\)")

# Length of an element, its identifier included, by the first two digits of the identifier; the others end at
# a separator (GS1 General Specifications, figure 7.8.5-2).
_ELEMENT_LENGTHS = {
    "00": 20,
    **dict.fromkeys(["01", "02", "03", "41"], 16),
    "04": 18,
    "20": 4,
    **dict.fromkeys([str(prefix) for prefix in range(11, 20)], 8),
    **dict.fromkeys([str(prefix) for prefix in range(31, 37)], 10),
}


def gtins_of(text: str) -> list[str]:
    """Return the product numbers that a scanned or typed text can stand for, the likeliest first.

    Each has a valid check digit. Eight digits can be an EAN-8 as well as a UPC-E, which stands for a UPC-A;
    digits in groups can be a number, or a number with an add-on. A text that holds no number yields nothing.
    """
    if len(text) > TEXT_MAX_CHARACTERS:
        return []
    symbology, content = _content(text)
    found = [*_from_link(content), *_from_elements(symbology, content), *_from_digits(symbology, content)]
    return list(dict.fromkeys(code for code in found if gtin_is_valid(code)))


def barcode_spellings(text: str) -> list[str]:
    """Return every way in which a product's barcode may be stored that this text can stand for."""
    return list(dict.fromkeys(spelling for code in gtins_of(text) for spelling in gtin_variants(code)))


def _content(text: str) -> tuple[str, str]:
    """Return symbology and content of a text: plain characters, separators as GS, blanks at the ends off."""
    plain = _SEPARATOR_SPELLINGS.sub(_SEPARATOR, unicodedata.normalize("NFKC", text))
    kept = "".join(
        " " if character.isspace() and character != _SEPARATOR else character
        for character in plain
        if character == _SEPARATOR or character.isspace() or unicodedata.category(character)[0] != "C"
    ).strip(" ")
    named = _SYMBOLOGY.match(kept)
    if named is None:
        return "", kept
    return named["letter"] + named["modifier"], kept[named.end() :].strip(" ")


def _from_link(content: str) -> list[str]:
    """Read a GS1 Digital Link, with or without its scheme (GS1 Digital Link URI syntax, section 4)."""
    if "/" not in content:
        return []
    path = unquote(content.partition("?")[0])
    return [found.group(1) for found in _LINK.finditer(path)][:1]


def _from_elements(symbology: str, content: str) -> list[str]:
    """Read the GTIN, identifier 01, of a GS1 element string, with brackets or as symbols carry it."""
    if _BRACKETED_START.match(content):
        return [found.group(1) for found in _BRACKETED.finditer(content)][:1]
    is_marked = symbology in _GS1_SYMBOLOGIES or _SEPARATOR in content
    if not is_marked and not content.startswith("01"):
        return []
    rest = content
    while rest := rest.lstrip(_SEPARATOR):
        length = _ELEMENT_LENGTHS.get(rest[:2])
        element, rest = rest[:length], rest[length:]
        if length is None:
            element, _, rest = element.partition(_SEPARATOR)
        if element.startswith("01") and len(element) == _ELEMENT_LENGTHS["01"]:
            return [element[2:]]
    return []


def _from_digits(symbology: str, content: str) -> list[str]:
    """Read plain digits; those of a UPC-E are expanded to the UPC-A that it abbreviates."""
    digits = _DIGITS_APART.sub("", content)
    if not (digits.isascii() and digits.replace("+", "").isdigit()):
        return []
    found = [digits]
    if symbology == _ADD_ON_SYMBOLOGY:
        found.append(digits.replace("+", "")[:13])
    if with_add_on := _ADD_ON.fullmatch(content):
        found.append(with_add_on.group(1))
    if len(digits) == 8 and symbology != "E4":  # "]E4" is an EAN-8
        found.append(_upc_e_expanded(digits))
        if symbology == "E0":  # never an EAN-8
            found.reverse()
    return found


def _upc_e_expanded(digits: str) -> str:
    """Return the UPC-A of a UPC-E with number system and check digit; empty where there is none.

    Source: GS1 General Specifications, section 5.2.2.4.2 (zero suppression).
    """
    system, body, check = digits[0], digits[1:7], digits[7]
    if system not in "01":
        return ""
    match body[5]:
        case "0" | "1" | "2":
            number = f"{body[:2]}{body[5]}0000{body[2:5]}"
        case "3":
            number = f"{body[:3]}00000{body[3:5]}"
        case "4":
            number = f"{body[:4]}00000{body[4]}"
        case last:
            number = f"{body[:5]}0000{last}"
    return f"{system}{number}{check}"
