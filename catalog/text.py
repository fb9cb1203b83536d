"""Text that people typed, made fit to be stored and shown."""

from __future__ import annotations

import unicodedata

# They turn the direction of what follows, so that a name could pass for another.
DIRECTION_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def text_clean(text: str) -> str:
    """Return one tidy line: composed characters, single blanks, nothing invisible that misleads or breaks."""
    composed = unicodedata.normalize("NFC", text)
    shown = (" " if character.isspace() else character for character in composed)
    return " ".join("".join(character for character in shown if character_stays(character)).split())


def character_stays(character: str) -> bool:
    """Whether a character may stand in a name: no control character, unpaired surrogate or override."""
    return unicodedata.category(character) not in {"Cc", "Cs"} and character not in DIRECTION_OVERRIDES
