"""The dozen products of the demo shop, drawn by code: clearly different packs, each from several sides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

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


def _discs(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Scatter discs of two sizes, as fruit on a label."""
    random = np.random.default_rng(len(pack.name))
    for _ in range(13):
        radius = int(random.integers(width // 14, width // 6))
        x, y = int(random.integers(0, width)), int(random.integers(int(height * 0.45), height))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=pack.accent)
        small = radius // 3
        draw.ellipse((x - small, y - radius + 4, x + small, y - radius + 4 + small), fill=pack.ink)


def _stripes(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Slanted bars over the lower half."""
    step = width // 5
    for x in range(-height, width, step):
        corners = [
            (x, height),
            (x + step // 2, height),
            (x + step // 2 + height // 2, height // 2),
            (x + height // 2, height // 2),
        ]
        draw.polygon(corners, fill=pack.accent)


def _waves(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Three rolling waves."""
    for level, colour in ((0.5, pack.accent), (0.66, pack.ink), (0.82, pack.accent)):
        crest = [
            (x, int(height * level + sin(x / width * 3 * pi) * height * 0.035))
            for x in range(0, width + 8, 8)
        ]
        draw.polygon([(0, height), *crest, (width, height)], fill=colour)


def _rays(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Draw a sun with rays from the middle of the lower half."""
    x, y, reach = width / 2, height * 0.72, height
    for turn in range(0, 24, 2):
        angles = (turn * pi / 12, (turn + 1) * pi / 12)
        draw.polygon(
            [(x, y), *((x + cos(angle) * reach, y + sin(angle) * reach) for angle in angles)],
            fill=pack.accent,
        )
    draw.ellipse((x - width * 0.2, y - width * 0.2, x + width * 0.2, y + width * 0.2), fill=pack.ink)


def _leaves(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Pairs of leaves on a stem."""
    x = width / 2
    draw.line((x, height * 0.48, x, height), fill=pack.ink, width=width // 30)
    for step in range(4):
        y = height * (0.52 + 0.115 * step)
        for side in (-1, 1):
            tip = (x + side * width * 0.38, y - height * 0.05)
            draw.polygon(
                [
                    (x, y + height * 0.04),
                    (x + side * width * 0.2, y - height * 0.06),
                    tip,
                    (x + side * width * 0.2, y + height * 0.045),
                ],
                fill=pack.accent,
            )


def _checks(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Draw a chequered cloth."""
    side = width // 6
    for row, y in enumerate(range(int(height * 0.48), height, side)):
        for x in range((row % 2) * side, width, side * 2):
            draw.rectangle((x, y, x + side, y + side), fill=pack.accent)


def _drop(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """One great drop."""
    x, y, radius = width / 2, height * 0.76, width * 0.27
    draw.polygon(
        [(x, height * 0.46), (x - radius * 0.95, y - radius * 0.3), (x + radius * 0.95, y - radius * 0.3)],
        fill=pack.accent,
    )
    draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=pack.accent)
    draw.arc(
        (x - radius * 0.6, y - radius * 0.6, x + radius * 0.6, y + radius * 0.6),
        100,
        180,
        fill=pack.ink,
        width=width // 30,
    )


def _hexagons(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Draw a honeycomb."""
    radius = width / 7
    for row in range(7):
        for column in range(6):
            x = column * radius * 1.75 + (row % 2) * radius * 0.875
            y = height * 0.5 + row * radius * 1.5
            draw.regular_polygon(
                (x, y, radius * 0.9), 6, rotation=30, fill=pack.accent if (row + column) % 3 else pack.ink
            )


def _beans(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Rows of coffee beans."""
    for row in range(4):
        for column in range(3):
            x, y = width * (0.22 + 0.28 * column), height * (0.54 + 0.125 * row)
            box = (x - width * 0.1, y - height * 0.045, x + width * 0.1, y + height * 0.045)
            draw.ellipse(box, fill=pack.accent)
            draw.arc(box, 200, 340, fill=pack.ground, width=max(3, width // 60))


def _squares(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Draw the squares of a bar of chocolate."""
    side = width / 4
    for row in range(4):
        for column in range(3):
            x, y = width * 0.14 + column * side, height * 0.46 + row * side
            draw.rounded_rectangle((x, y, x + side * 0.86, y + side * 0.86), radius=8, fill=pack.accent)
            draw.line((x + 6, y + side * 0.8, x + side * 0.8, y + side * 0.8), fill=pack.ink, width=4)


def _strands(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Fine upright strands seen through a window."""
    draw.rounded_rectangle(
        (width * 0.12, height * 0.46, width * 0.88, height * 0.95), radius=20, fill=pack.ink
    )
    for x in range(int(width * 0.15), int(width * 0.86), 9):
        draw.line((x, height * 0.48, x + (x % 4), height * 0.93), fill=pack.accent, width=4)


def _bubbles(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Draw rings rising."""
    random = np.random.default_rng(5)
    for _ in range(22):
        radius = int(random.integers(6, width // 9))
        x, y = (
            int(random.integers(radius, width - radius)),
            int(random.integers(int(height * 0.45), height - radius)),
        )
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=pack.accent, width=5)


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
        _waves,
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
        _rays,
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
        _discs,
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
        _leaves,
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
        _squares,
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
        _beans,
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
        _stripes,
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
        _checks,
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
        _strands,
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
        _bubbles,
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
        _drop,
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
        _hexagons,
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
