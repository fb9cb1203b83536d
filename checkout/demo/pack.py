"""A pack of the demo shop: its artwork, its colours and its price."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from PIL import ImageDraw

Colour = tuple[int, int, int]
Motif = Callable[[ImageDraw.ImageDraw, "Pack", int, int], None]
"""Draws the motif of a pack of a width and a height, in pixels."""


@dataclass(frozen=True)
class Pack:
    """A product of the demo shop; `label` is printed above its motif, `round_side` makes it a cylinder."""

    name: str
    label: str
    price: Decimal
    barcode: str
    width_px: int
    ground: Colour
    ink: Colour
    accent: Colour
    motif: Motif
    round_side: bool = False
