"""The dozen products of the demo shop, drawn by code: clearly different packs, each from several sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from math import cos, pi

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from checkout.demo import motifs

Colour = tuple[int, int, int]
Motif = Callable[[ImageDraw.ImageDraw, "Pack", int, int], None]

HEIGHT_PX = 480
FONT_SIZE_PX = 100.0
VIEW_ANGLES = (0.0, -0.45, 0.45, -0.8, 0.8)  # how far the pack is turned about its upright axis, in radians


@dataclass(frozen=True)
class Pack:
    """What is printed on a pack and what the shop asks for it."""

    name: str
    words: str
    price: Decimal
    barcode: str
    width_px: int
    ground: Colour
    ink: Colour
    accent: Colour
    motif: Motif
    round_side: bool = False


PACKS = (
    Pack(
        "Oat Milk 1 l",
        "OAT",
        Decimal("2.19"),
        "2000000000015",
        260,
        (236, 226, 200),
        (70, 60, 40),
        (206, 160, 86),
        motifs.waves,
    ),
    Pack(
        "Orange Juice 1 l",
        "ORANGE",
        Decimal("2.99"),
        "2000000000022",
        250,
        (255, 246, 225),
        (30, 110, 50),
        (245, 130, 20),
        motifs.rays,
    ),
    Pack(
        "Tomato Soup 400 g",
        "TOMATO",
        Decimal("1.79"),
        "2000000000039",
        300,
        (200, 30, 35),
        (255, 240, 225),
        (120, 10, 20),
        motifs.discs,
        round_side=True,
    ),
    Pack(
        "Green Tea 50 bags",
        "TEA",
        Decimal("3.49"),
        "2000000000046",
        340,
        (222, 240, 214),
        (25, 80, 45),
        (90, 165, 80),
        motifs.leaves,
    ),
    Pack(
        "Dark Chocolate 100 g",
        "CACAO",
        Decimal("1.99"),
        "2000000000053",
        220,
        (40, 26, 60),
        (240, 200, 90),
        (96, 54, 30),
        motifs.squares,
    ),
    Pack(
        "Coffee Beans 500 g",
        "COFFEE",
        Decimal("7.49"),
        "2000000000060",
        300,
        (24, 24, 26),
        (240, 235, 225),
        (150, 92, 48),
        motifs.beans,
    ),
    Pack(
        "Sea Salt Crisps 150 g",
        "CRISPS",
        Decimal("1.59"),
        "2000000000077",
        350,
        (24, 96, 190),
        (255, 255, 255),
        (250, 210, 40),
        motifs.stripes,
    ),
    Pack(
        "Strawberry Jam 340 g",
        "JAM",
        Decimal("2.89"),
        "2000000000084",
        280,
        (252, 236, 238),
        (150, 20, 60),
        (228, 60, 100),
        motifs.checks,
        round_side=True,
    ),
    Pack(
        "Spaghetti 500 g",
        "PASTA",
        Decimal("1.29"),
        "2000000000091",
        210,
        (126, 206, 196),
        (16, 60, 58),
        (248, 222, 140),
        motifs.strands,
    ),
    Pack(
        "Sparkling Water 0.5 l",
        "WATER",
        Decimal("0.89"),
        "2000000000107",
        200,
        (190, 226, 246),
        (10, 60, 130),
        (255, 255, 255),
        motifs.bubbles,
        round_side=True,
    ),
    Pack(
        "Olive Oil 0.5 l",
        "OLIVE",
        Decimal("6.99"),
        "2000000000114",
        220,
        (98, 112, 40),
        (246, 240, 200),
        (206, 214, 92),
        motifs.drop,
        round_side=True,
    ),
    Pack(
        "Honey 250 g",
        "HONEY",
        Decimal("4.79"),
        "2000000000121",
        290,
        (250, 200, 60),
        (120, 60, 5),
        (255, 232, 150),
        motifs.hexagons,
        round_side=True,
    ),
)


@cache
def pack_face(pack: Pack) -> Image.Image:
    """Draw the front of a pack as printed: RGB, `width_px` by 480; drawn once, to be copied, not changed."""
    image = Image.new("RGB", (pack.width_px, HEIGHT_PX), pack.ground)
    draw = ImageDraw.Draw(image)
    pack.motif(draw, pack, pack.width_px, HEIGHT_PX)
    draw.rectangle((0, 0, pack.width_px, HEIGHT_PX * 0.09), fill=pack.ink)
    draw.rectangle((0, HEIGHT_PX * 0.385, pack.width_px, HEIGHT_PX * 0.4), fill=pack.accent)
    reach = pack.width_px * (0.62 if pack.round_side else 0.82)
    font = ImageFont.load_default(
        FONT_SIZE_PX * reach / ImageFont.load_default(FONT_SIZE_PX).getlength(pack.words)
    )
    draw.text(
        (pack.width_px / 2, HEIGHT_PX * 0.24),
        pack.words,
        pack.ink,
        font=font,
        anchor="mm",
        stroke_width=2,
        stroke_fill=pack.ink,
    )
    return image


def pack_view(pack: Pack, angle: float) -> Image.Image:
    """Turn a pack about its upright axis: RGBA, cut to its outline.

    Parameters
    ----------
    angle : radians, positive to the right, within (-pi/2, pi/2); a round pack shows another part of its
        label, a flat one gets narrower with a shaded far side
    """
    face = pack_face(pack)
    if pack.round_side:
        turned = _rolled(face, angle)
    else:
        turned = face.resize((max(40, int(face.width * cos(angle))), face.height), Image.Resampling.LANCZOS)
        turned = ImageEnhance.Brightness(turned).enhance(0.75 + 0.25 * cos(angle))
    outline = Image.new("L", turned.size, 0)
    radius = 26 if pack.round_side else 8
    ImageDraw.Draw(outline).rounded_rectangle(
        (0, 0, turned.width - 1, turned.height - 1), radius=radius, fill=255
    )
    view = turned.convert("RGBA")
    view.putalpha(outline.filter(ImageFilter.GaussianBlur(1)))
    return view


def _rolled(face: Image.Image, angle: float) -> Image.Image:
    """Wrap the label round a cylinder, turn it, and shade it towards its edges."""
    label = np.asarray(face, np.float32)
    width = label.shape[1]
    across = np.linspace(-1, 1, width)
    around = np.arcsin(across * 0.98) + angle
    columns = np.clip((around / pi + 0.5) * (width - 1), 0, width - 1).astype(int)
    shade = 0.55 + 0.45 * np.sqrt(1 - (across * 0.9) ** 2)
    return Image.fromarray((label[:, columns] * shade[None, :, None]).astype(np.uint8))


def product_photo(pack: Pack, number: int) -> Image.Image:
    """Photograph a pack as a shop keeper would, upright on a counter, view `number` of 5: RGB 720x720."""
    random = np.random.default_rng([number, *pack.barcode.encode()])
    photo = counter(random, 720, 720)
    view = pack_view(pack, VIEW_ANGLES[number])
    scale = random.uniform(1.15, 1.35)
    view = view.resize((int(view.width * scale), int(view.height * scale)), Image.Resampling.LANCZOS)
    view = view.rotate(random.uniform(-5, 5), Image.Resampling.BICUBIC, expand=True)
    photo.paste(view, ((720 - view.width) // 2, (720 - view.height) // 2), view)
    return ImageEnhance.Brightness(photo).enhance(random.uniform(0.9, 1.1))


def counter(random: np.random.Generator, width: int, height: int) -> Image.Image:
    """Draw an empty counter, lit from above, with a little grain: RGB."""
    light = np.linspace(205, 170, height)[:, None, None] * np.array([1.0, 0.985, 0.955])
    grain = random.normal(0, 2.0, (height, width, 1))
    return Image.fromarray(np.clip(light + grain, 0, 255).astype(np.uint8))
