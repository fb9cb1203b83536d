"""Which names look alike: nobody may be taken for somebody else.

Unicode has many letters that look like others. Names are compared by their skeletons (Unicode Technical
Standard 39, section 4), and mix only alphabets that are commonly written together (section 5.2, "highly
restrictive"). A skeleton is for comparing only; nobody sees it.
"""

from __future__ import annotations

import hashlib
import unicodedata
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

# Scripts that a name may mix; digits and punctuation ("common") go with any.
SCRIPTS_TOGETHER = (
    {"LATIN", "HAN", "HANGUL"},
    {"LATIN", "HAN", "HIRAGANA", "KATAKANA"},
    {"LATIN", "HAN", "BOPOMOFO"},
)
ANY_SCRIPT = {"COMMON", "INHERITED"}


def one_alphabet_validate(name: str) -> None:
    """Refuse a name that mixes alphabets, as a Cyrillic letter among Latin ones does."""
    from confusable_homoglyphs.categories import unique_aliases

    scripts = unique_aliases(unicodedata.normalize("NFKC", name)) - ANY_SCRIPT
    if len(scripts) > 1 and not any(scripts <= together for together in SCRIPTS_TOGETHER):
        raise ValidationError(_("Please use letters of one alphabet."), code="mixed_alphabets")


def skeleton(name: str) -> str:
    """Return what names have in common that look alike, in whatever case: `Paypa1` and `paypal` are one.

    Looks are compared as typed and in lower case, which makes the small L, the capital I and the digit one
    equal to each other, and with them the small i.
    """
    text = _prototypes(unicodedata.normalize("NFKC", name)).casefold()
    return _prototypes(text).casefold().replace("l", "i")


def skeleton_digest(name: str) -> str:
    """Return the skeleton in a form that fits an indexed column, however long it is."""
    return hashlib.sha256(skeleton(name).encode(errors="surrogatepass")).hexdigest()


def _prototypes(text: str) -> str:
    decomposed = unicodedata.normalize("NFD", text)
    return unicodedata.normalize("NFD", "".join(_prototype(character) for character in decomposed))


def _prototype(character: str) -> str:
    """Return the one of all look-alikes of a character that stands for them.

    The library lists pairs in both directions: a prototype with all that look like it, everything else with
    its prototype. A pair by itself has no centre; the longer, then the smaller one stands for it.
    """
    from confusable_homoglyphs.confusables import confusables_data

    table: dict[str, list[dict[str, Any]]] = confusables_data
    alike = [str(each["c"]) for each in table.get(character, ())]
    if len(alike) != 1:
        return character
    [other] = alike
    if len(table.get(other, ())) > 1:
        return other
    return min(character, other, key=lambda text: (-len(text), text))
