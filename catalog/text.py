"""Cleans text that people typed before it is stored and shown."""

from __future__ import annotations

import unicodedata

# They change the direction of the text after them, so one name could pass for another.
DIRECTION_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
# Letters and symbols by category, but blank to the eye: the fillers of Hangul, and the empty Braille cell.
BLANKS = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def text_clean(text: str) -> str:
    """Return one clean line: composed characters, single spaces, no invisible character that misleads.

    Joiners between letters or emoji stay, but a line without any visible character becomes empty.
    """
    composed = unicodedata.normalize("NFC", text)
    shown = (" " if character.isspace() else character for character in composed)
    tidy = " ".join("".join(character for character in shown if character_stays(character)).split())
    return tidy if any(character_shows(character) for character in tidy) else ""


def character_stays(character: str) -> bool:
    """Whether a character may be in a name: not a control character, unpaired surrogate or override."""
    return unicodedata.category(character) not in {"Cc", "Cs"} and character not in DIRECTION_OVERRIDES


def character_shows(character: str) -> bool:
    """Whether a character is visible by itself: not a space, a joiner, or a mark that alters another."""
    return unicodedata.category(character)[0] not in "ZCM" and character not in BLANKS
