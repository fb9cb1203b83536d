"""Reads Prometheus's text format, from a page or from a running server."""

from __future__ import annotations

import re
from urllib.request import Request, urlopen

from tests.checkout.serving import Server


def samples(text: str) -> dict[str, float]:
    """Return values by name and labels."""
    found = re.findall(r"^([a-z_]+(?:\{[^}]*\})?) (\S+)$", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def sample_names(text: str) -> set[str]:
    """Return names with the names of their labels."""
    names = set()
    for sample in samples(text):
        name, _, labels = sample.partition("{")
        keys = ",".join(re.findall(r'(\w+)="', labels))
        names.add(f"{name}{{{keys}}}" if keys else name)
    return names


def scrape(server: Server, **headers: str) -> dict[str, float]:
    """Return what a server's page says at the moment."""
    asked = Request(f"{server.origin}/metrics", headers=headers)  # noqa: S310 - this machine
    with urlopen(asked, timeout=10) as answer:  # noqa: S310 - this machine
        return samples(answer.read().decode())
