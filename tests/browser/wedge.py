"""A barcode scanner on USB: presses keys with exact times, on any keyboard layout."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass, field

from playwright.sync_api import CDPSession, Page

GAP_MS = 10.0
SIGNS = {"]": "BracketRight", "(": "Digit9", ")": "Digit0", "/": "Slash", ":": "Semicolon", ".": "Period"}
SIGNS |= {"-": "Minus", " ": "Space", "\x1d": "BracketRight"}
SHIFTED = frozenset("():")
SHIFT, CTRL = 8, 2
KEYS = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowDown": 40, "F5": 116}


@dataclass(frozen=True)
class Key:
    """One key as a page is told of it."""

    key: str
    code: str
    number: int
    modifiers: int = 0


def key_of(character: str) -> Key:
    """Return the key that types a character on a US keyboard, or a named key."""
    if character in KEYS:
        return Key(character, character, KEYS[character])
    if character == "\x1d":
        return Key("]", "BracketRight", 221, CTRL)
    if character.isdigit():
        return Key(character, f"Digit{character}", ord(character))
    if character.isalpha():
        return Key(character, f"Key{character.upper()}", ord(character.upper()), SHIFT * character.isupper())
    return Key(character, SIGNS[character], 0, SHIFT * (character in SHIFTED))


@dataclass
class Wedge:
    """A scanner before a page; the browser is told the times of its keys, however slow this machine."""

    page: Page
    at_s: float = 0.0
    session: CDPSession = field(init=False)

    def __post_init__(self) -> None:
        self.session = self.page.context.new_cdp_session(self.page)

    def scan(self, text: str, *, gap_ms: float = GAP_MS, end: str = "Enter") -> None:
        """Scan a code."""
        self.type([key_of(character) for character in text] + ([key_of(end)] if end else []), gap_ms=gap_ms)

    def type(self, keys: Iterable[Key], *, gap_ms: float) -> None:
        """Press keys, after a pause."""
        self.at_s = max(self.at_s + 1.0, time.time())
        for key in keys:
            self._send("keyDown", key)
            self._send("keyUp", key)
            self.at_s += gap_ms / 1000

    def _send(self, kind: str, key: Key) -> None:
        told = {"key": key.key, "code": key.code, "windowsVirtualKeyCode": key.number}
        text = {"text": key.key} if len(key.key) == 1 and not key.modifiers & CTRL else {}
        if key.key == "Enter":
            text = {"text": "\r"}
        if kind == "keyUp":
            text = {}
        times = {"timestamp": self.at_s, "modifiers": key.modifiers}
        self.session.send("Input.dispatchKeyEvent", {"type": kind, **told, **text, **times})
