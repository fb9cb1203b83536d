"""Text that people typed, made fit to be stored and shown."""

from __future__ import annotations

import unicodedata

# They turn the direction of what follows, so that a name could pass for another.
DIRECTION_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters and symbols by their category, blank to the eye: the fillers of Hangul, and the empty Braille cell.
BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def text_clean(text: str) -> str:
    """Return one tidy line: composed characters, single blanks, nothing invisible that misleads or breaks.

    Joiners between letters or emoji stay, but a line in which nothing can be seen is no line.
    """
    composed = unicodedata.normalize("NFC", text)
    shown = (" " if character.isspace() else character for character in composed)
    tidy = " ".join("".join(character for character in shown if character_stays(character)).split())
    return tidy if any(character_shows(character) for character in tidy) else ""


def character_stays(character: str) -> bool:
    """Whether a character may stand in a name: no control character, unpaired surrogate or override."""
    return unicodedata.category(character) not in {"Cc", "Cs"} and character not in DIRECTION_OVERRIDES


def character_shows(character: str) -> bool:
    """Whether a character by itself can be seen: no blank, no joiner, no mark that only alters another."""
    return unicodedata.category(character)[0] not in "ZCM" and character not in BLANKS
