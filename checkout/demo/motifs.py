"""The motifs printed on the lower half of the demo shop's packs, one function each."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np
from PIL import ImageDraw

from checkout.demo.pack import Pack


def discs(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Scatter discs of two sizes, as fruit on a label."""
    random = np.random.default_rng(len(pack.name))
    for _ in range(13):
        radius = int(random.integers(width // 14, width // 6))
        x, y = int(random.integers(0, width)), int(random.integers(int(height * 0.45), height))
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=pack.accent)
        small = radius // 3
        draw.ellipse((x - small, y - radius + 4, x + small, y - radius + 4 + small), fill=pack.ink)


def stripes(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
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


def waves(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Three rolling waves."""
    for level, colour in ((0.5, pack.accent), (0.66, pack.ink), (0.82, pack.accent)):
        crest = [
            (x, int(height * level + sin(x / width * 3 * pi) * height * 0.035))
            for x in range(0, width + 8, 8)
        ]
        draw.polygon([(0, height), *crest, (width, height)], fill=colour)


def rays(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Draw a sun with rays from the middle of the lower half."""
    x, y, reach = width / 2, height * 0.72, height
    for turn in range(0, 24, 2):
        angles = (turn * pi / 12, (turn + 1) * pi / 12)
        draw.polygon(
            [(x, y), *((x + cos(angle) * reach, y + sin(angle) * reach) for angle in angles)],
            fill=pack.accent,
        )
    draw.ellipse((x - width * 0.2, y - width * 0.2, x + width * 0.2, y + width * 0.2), fill=pack.ink)


def leaves(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
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


def checks(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Draw a chequered cloth."""
    side = width // 6
    for row, y in enumerate(range(int(height * 0.48), height, side)):
        for x in range((row % 2) * side, width, side * 2):
            draw.rectangle((x, y, x + side, y + side), fill=pack.accent)


def drop(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
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


def hexagons(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Draw a honeycomb."""
    radius = width / 7
    for row in range(7):
        for column in range(6):
            x = column * radius * 1.75 + (row % 2) * radius * 0.875
            y = height * 0.5 + row * radius * 1.5
            draw.regular_polygon(
                (x, y, radius * 0.9), 6, rotation=30, fill=pack.accent if (row + column) % 3 else pack.ink
            )


def beans(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Rows of coffee beans."""
    for row in range(4):
        for column in range(3):
            x, y = width * (0.22 + 0.28 * column), height * (0.54 + 0.125 * row)
            box = (x - width * 0.1, y - height * 0.045, x + width * 0.1, y + height * 0.045)
            draw.ellipse(box, fill=pack.accent)
            draw.arc(box, 200, 340, fill=pack.ground, width=max(3, width // 60))


def squares(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Draw the squares of a bar of chocolate."""
    side = width / 4
    for row in range(4):
        for column in range(3):
            x, y = width * 0.14 + column * side, height * 0.46 + row * side
            draw.rounded_rectangle((x, y, x + side * 0.86, y + side * 0.86), radius=8, fill=pack.accent)
            draw.line((x + 6, y + side * 0.8, x + side * 0.8, y + side * 0.8), fill=pack.ink, width=4)


def strands(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Fine upright strands seen through a window."""
    draw.rounded_rectangle(
        (width * 0.12, height * 0.46, width * 0.88, height * 0.95), radius=20, fill=pack.ink
    )
    for x in range(int(width * 0.15), int(width * 0.86), 9):
        draw.line((x, height * 0.48, x + (x % 4), height * 0.93), fill=pack.accent, width=4)


def bubbles(draw: ImageDraw.ImageDraw, pack: Pack, width: int, height: int) -> None:
    """Draw rings rising."""
    random = np.random.default_rng(5)
    for _ in range(22):
        radius = int(random.integers(6, width // 9))
        x, y = (
            int(random.integers(radius, width - radius)),
            int(random.integers(int(height * 0.45), height - radius)),
        )
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), outline=pack.accent, width=5)
