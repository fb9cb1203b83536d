"""Strict readers of the environment: an invalid value is an error that says what is allowed."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, MutableMapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.exceptions import ImproperlyConfigured

LINE = re.compile(r"(?:export\s+)?(\w+)\s*=\s*(.*)")
QUOTED = re.compile(r"""(['"])(.*?)\1\s*(?:#.*)?""")
COMMENT = re.compile(r"(?:^|\s)#.*")
ICE_ADDRESS = re.compile(r"(stuns?|turns?):[^\s/]+")
TRUE_WORDS = {"1", "true", "yes", "on"}
FALSE_WORDS = {"0", "false", "no", "off"}


def environment_file_read(path: Path, into: MutableMapping[str, str] = os.environ) -> None:
    """Load a `.env` file into the environment, whose own variables take precedence.

    A line is NAME=value, the value plain or in quotes; `#` at the start of a line or after a blank begins a
    comment. Compose reads the same file in the same way, except that it expands `$` in it.
    """
    if not path.is_file():
        return
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        text = line.strip()
        if not text or text.startswith("#"):
            continue
        found = LINE.fullmatch(text)
        quoted = found and QUOTED.fullmatch(found[2])
        if found is None or (quoted is None and found[2].startswith(("'", '"'))):
            raise ImproperlyConfigured(f"{path}, line {number}: NAME=value is needed, with quotes in pairs")
        into.setdefault(found[1], quoted[2] if quoted else COMMENT.sub("", found[2]).strip())


class Environment:
    """Reads variables by type and remembers which names were asked for.

    The names asked for are the names that exist. Any other variable with the project's prefix is a
    misspelling, and ``unknown_names`` lists it.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = os.environ if values is None else values
        self.names: set[str] = set()

    def text(self, name: str, default: str = "") -> str:
        """Return the value without surrounding blanks; an empty value counts as not set."""
        self.names.add(name)
        return self.values.get(name, "").strip() or default

    def flag(self, name: str, *, default: bool) -> bool:
        """Read a boolean."""
        word = self.text(name).lower()
        if not word:
            return default
        if word in TRUE_WORDS:
            return True
        if word in FALSE_WORDS:
            return False
        raise ImproperlyConfigured(f"{name}={word!r}: allowed are 1, true, yes, on and 0, false, no, off")

    def integer(self, name: str, default: int, *, minimum: int, maximum: int) -> int:
        """Read a whole number within its bounds, both included."""
        word = self.text(name, str(default))
        try:
            number = int(word)
        except ValueError:
            raise ImproperlyConfigured(f"{name}={word!r}: a whole number is needed") from None
        if not minimum <= number <= maximum:
            raise ImproperlyConfigured(f"{name}={number}: allowed are {minimum} to {maximum}")
        return number

    def number(self, name: str, default: float, *, minimum: float, maximum: float) -> float:
        """Read a decimal number within its bounds, both included."""
        word = self.text(name, str(default))
        try:
            value = float(word)
        except ValueError:
            raise ImproperlyConfigured(f"{name}={word!r}: a number is needed") from None
        if not minimum <= value <= maximum:
            raise ImproperlyConfigured(f"{name}={word}: allowed are {minimum} to {maximum}")
        return value

    def choice(self, name: str, default: str, allowed: tuple[str, ...]) -> str:
        """Read one of the allowed values."""
        word = self.text(name, default)
        if word not in allowed:
            raise ImproperlyConfigured(f"{name}={word!r}: allowed are {', '.join(allowed)}")
        return word

    def pattern(self, name: str, default: str, expression: str, needed: str) -> str:
        """Read a text that matches the expression as a whole; errors do not show it, as it may be secret."""
        word = self.text(name, default)
        if word and not re.fullmatch(expression, word):
            raise ImproperlyConfigured(f"{name}: {needed}")
        return word

    def token(self, name: str) -> str:
        """Read a secret that a client sends in a header; empty where it is not set."""
        needed = "16 to 200 printable ASCII characters without blanks are needed"
        return self.pattern(name, "", "[!-~]{16,200}", needed)

    def rate(self, name: str, default: str) -> str:
        """Read how many requests are allowed in which time, such as `10/min`."""
        needed = "a number above 0, a slash and s, min, hour or day are needed, such as 10/min"
        return self.pattern(name, default, r"[1-9]\d{0,8}/(s|sec|m|min|h|hour|d|day)", needed)

    def time_zone(self, name: str, default: str) -> str:
        """Read the name of a time zone."""
        word = self.text(name, default)
        try:
            return ZoneInfo(word).key
        except (OSError, ValueError, ZoneInfoNotFoundError):
            raise ImproperlyConfigured(f"{name}={word!r}: a name such as Europe/Berlin is needed") from None

    def words(self, name: str, default: tuple[str, ...] = ()) -> list[str]:
        """Read a list separated by commas."""
        return [word.strip() for word in self.text(name).split(",") if word.strip()] or list(default)

    def origins(self, name: str) -> list[str]:
        """Read a list of addresses of sites: scheme and host, without a path."""
        found = self.words(name)
        if not all(re.fullmatch(r"https?://[^/\s]+", origin) for origin in found):
            raise ImproperlyConfigured(
                f"{name}: addresses such as https://shop.example are needed, without a path"
            )
        return found

    def ice_servers(self, name: str) -> list[dict[str, Any]]:
        """Read the servers that browsers find each other by (WebRTC), as JSON; errors show no credentials."""
        word = self.text(name)
        needed = ImproperlyConfigured(
            f'{name}: a JSON list such as [{{"urls": "stun:stun.example:3478"}}] is needed, each with urls '
            "(stun:, stuns:, turn: or turns:), and username and credential where it asks for them"
        )
        try:
            servers = json.loads(word or "[]")
        except ValueError:
            raise needed from None
        if not isinstance(servers, list) or not all(_is_ice_server(server) for server in servers):
            raise needed
        return servers

    def folder(self, name: str, default: Path) -> Path:
        """Read a folder's path, made absolute."""
        return Path(self.text(name, str(default))).expanduser().resolve()

    def unknown_names(self, prefix: str) -> list[str]:
        """List the variables with the prefix that no reader asked for."""
        return sorted(name for name in self.values if name.startswith(prefix) and name not in self.names)


def _is_ice_server(server: object) -> bool:
    """Whether this is an RTCIceServer as browsers take it."""
    if not isinstance(server, dict) or not set(server) <= {"urls", "username", "credential"}:
        return False
    urls = server.get("urls")
    addresses = [urls] if isinstance(urls, str) else urls
    if not isinstance(addresses, list) or not addresses:
        return False
    are_addresses = all(isinstance(url, str) and ICE_ADDRESS.fullmatch(url) for url in addresses)
    return are_addresses and all(isinstance(server.get(key, ""), str) for key in ("username", "credential"))
