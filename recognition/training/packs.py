"""Draws the fronts of packs that no shop sells: as many look-alike families as training asks for."""

from __future__ import annotations

import string

import cv2
import numpy as np
from numpy.typing import NDArray

FAMILY_SIZE = 4

_FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX,
    cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX,
    cv2.FONT_HERSHEY_TRIPLEX,
    cv2.FONT_HERSHEY_SCRIPT_COMPLEX,
)
_VOWELS = "aeiouy"
_CONSONANTS = "".join(sorted(set(string.ascii_lowercase) - set(_VOWELS)))

Colour = tuple[int, int, int]


def draw_pack(number: int, *, side_px: int = 160, seed: int = 0) -> NDArray[np.uint8]:
    """Draw one pack front.

    Packs come in families of four neighbouring numbers: a family shares its lay-out, brand and base
    colour, its members differ in flavour colour, picture and words, as the kinds of one brand do.

    Parameters
    ----------
    number : which pack, from 0; the same number and seed always give the same picture
    side_px : side of the square picture; the true ratio of the pack is left to the augmentation
    seed : another seed, another endless shelf

    Returns
    -------
    uint8 (side_px, side_px, 3), RGB
    """
    family = np.random.default_rng((seed, 1, number // FAMILY_SIZE))
    member = np.random.default_rng((seed, 2, number))
    base, accent = _colour(family), _colour(member)
    image = _ground(side_px, base, _colour(family), family)
    for _ in range(int(family.integers(1, 5))):
        _shape(image, accent if family.random() < 0.5 else _colour(family), family)
    _picture(image, accent, family, member)
    _logo(image, _word(family), family)
    for _ in range(int(family.integers(2, 6))):
        _line(image, family, member)
    if family.random() < 0.5:
        _small_print(image, family)
    if member.random() < 0.3:
        _badge(image, _colour(member), member)
    return image


def _colour(rng: np.random.Generator) -> Colour:
    """Pick a print colour: white and saturated colours are common, muddy ones rare."""
    if rng.random() < 0.25:
        value = int(rng.integers(225, 256))
        return (value, value, value)
    hsv = np.array([[[rng.integers(0, 180), rng.integers(60, 256), rng.integers(60, 256)]]], np.uint8)
    red, green, blue = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB)[0, 0]
    return (int(red), int(green), int(blue))


def _word(rng: np.random.Generator) -> str:
    letters = [
        str(rng.choice(list(_CONSONANTS if place % 2 == 0 else _VOWELS)))
        for place in range(int(rng.integers(3, 9)))
    ]
    word = "".join(letters)
    return [word, word.upper(), word.capitalize()][int(rng.integers(3))]


def _ground(side: int, first: Colour, second: Colour, rng: np.random.Generator) -> NDArray[np.uint8]:
    share = np.linspace(0.0, 1.0, side)[:, None, None] ** rng.uniform(0.5, 3.0) * rng.uniform(0.0, 1.0)
    ground = np.array(first) * (1.0 - share) + np.array(second) * share
    ground = np.broadcast_to(ground, (side, side, 3))
    if rng.random() < 0.3:
        ground = ground.transpose(1, 0, 2)
    return np.ascontiguousarray(ground).astype(np.uint8)


def _shape(image: NDArray[np.uint8], colour: Colour, rng: np.random.Generator) -> None:
    """Add a band, a wave, a disc or a slanted field. Mutates image."""
    side = image.shape[0]
    kind = int(rng.integers(4))
    if kind == 0:
        top = int(rng.integers(0, side))
        cv2.rectangle(image, (0, top), (side, top + int(rng.integers(side // 16, side // 3))), colour, -1)
    elif kind == 1:
        across = np.linspace(0, side, 24)
        height = rng.uniform(0.3, 0.9) * side + rng.uniform(3, 18) * np.sin(
            across / side * rng.uniform(2, 9) + rng.uniform(0, 6)
        )
        edge = np.stack([across, height], axis=1)
        cv2.fillPoly(
            image, [np.vstack([edge, [[side, side], [0, side]]]).astype(np.int32)], colour, cv2.LINE_AA
        )
    elif kind == 2:
        centre = (int(rng.integers(0, side)), int(rng.integers(0, side)))
        axes = (int(rng.integers(side // 10, side // 2)), int(rng.integers(side // 10, side // 2)))
        cv2.ellipse(image, centre, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)
    else:
        corners = rng.uniform(-0.1, 1.1, (int(rng.integers(3, 5)), 2)) * side
        cv2.fillConvexPoly(image, cv2.convexHull(corners.astype(np.int32)), colour, cv2.LINE_AA)


def _picture(
    image: NDArray[np.uint8], accent: Colour, family: np.random.Generator, member: np.random.Generator
) -> None:
    """Add a heap of shaded fruit-like bodies in the flavour's colour. Mutates image."""
    side = image.shape[0]
    middle = family.uniform(0.3, 0.85, 2) * side
    size = family.uniform(0.05, 0.22) * side
    tone = np.array(accent, np.float64)
    for _ in range(int(member.integers(1, 9))):
        centre = middle + member.normal(0, size, 2)
        axes = size * member.uniform(0.5, 1.1, 2)
        turn = float(member.uniform(0, 180))
        for ring in (1.0, 0.8, 0.6, 0.35):
            shade = np.clip(tone * (0.55 + 0.6 * (1.0 - ring)) + 60 * (1.0 - ring), 0, 255)
            at = centre - size * 0.25 * (1.0 - ring)
            cv2.ellipse(
                image,
                (int(at[0]), int(at[1])),
                (max(1, int(axes[0] * ring)), max(1, int(axes[1] * ring))),
                turn,
                0,
                360,
                shade.tolist(),
                -1,
                cv2.LINE_AA,
            )


def _logo(image: NDArray[np.uint8], word: str, rng: np.random.Generator) -> None:
    """Add the brand on its plate. Mutates image."""
    side = image.shape[0]
    plate, ink = _colour(rng), _colour(rng)
    middle = (int(rng.uniform(0.3, 0.7) * side), int(rng.uniform(0.12, 0.4) * side))
    axes = (int(rng.uniform(0.25, 0.5) * side), int(rng.uniform(0.08, 0.18) * side))
    kind = int(rng.integers(3))
    if kind == 0:
        cv2.ellipse(image, middle, axes, 0, 0, 360, plate, -1, cv2.LINE_AA)
    elif kind == 1:
        corner = (middle[0] - axes[0], middle[1] - axes[1])
        cv2.rectangle(image, corner, (middle[0] + axes[0], middle[1] + axes[1]), plate, -1)
    origin = (middle[0] - int(axes[0] * 0.85), middle[1] + axes[1] // 2)
    _text(image, word, origin, width=1.7 * axes[0], ink=ink, stroke=2, rng=rng)


def _text(
    image: NDArray[np.uint8],
    text: str,
    origin: tuple[int, int],
    *,
    width: float,
    ink: Colour,
    stroke: int,
    rng: np.random.Generator,
) -> None:
    """Write a text of the given width in a random face. Mutates image."""
    font = _FONTS[int(rng.integers(len(_FONTS)))]
    drawn = cv2.getTextSize(text, font, 1.0, stroke)[0][0]
    cv2.putText(image, text, origin, font, width / max(drawn, 1), ink, stroke, cv2.LINE_AA)


def _line(image: NDArray[np.uint8], family: np.random.Generator, member: np.random.Generator) -> None:
    """Add a line of words where the family has it, in the member's own words. Mutates image."""
    side = image.shape[0]
    origin = (int(family.uniform(0.02, 0.5) * side), int(family.uniform(0.35, 0.97) * side))
    width, stroke = family.uniform(0.2, 0.8) * side, int(family.integers(1, 3))
    words = " ".join(_word(member) for _ in range(int(family.integers(1, 4))))
    _text(image, words, origin, width=width, ink=_colour(family), stroke=stroke, rng=family)


def _small_print(image: NDArray[np.uint8], rng: np.random.Generator) -> None:
    side = image.shape[0]
    left, top = int(rng.uniform(0, 0.7) * side), int(rng.uniform(0.4, 0.8) * side)
    if rng.random() < 0.4:
        cv2.rectangle(image, (left, top), (left + side // 4, top + side // 7), (255, 255, 255), -1)
        for across in range(left + 2, left + side // 4 - 2, 2):
            if rng.random() < 0.5:
                cv2.line(image, (across, top + 2), (across, top + side // 7 - 2), (0, 0, 0), 1)
        return
    ink = _colour(rng)
    for row in range(int(rng.integers(3, 7))):
        words = " ".join(_word(rng) for _ in range(3))
        cv2.putText(image, words, (left, top + row * 6), cv2.FONT_HERSHEY_PLAIN, 0.4, ink, 1, cv2.LINE_AA)


def _badge(image: NDArray[np.uint8], colour: Colour, rng: np.random.Generator) -> None:
    side = image.shape[0]
    centre = (int(rng.uniform(0.1, 0.9) * side), int(rng.uniform(0.1, 0.9) * side))
    radius = int(rng.uniform(0.06, 0.13) * side)
    cv2.circle(image, centre, radius, colour, -1, cv2.LINE_AA)
    word, origin = _word(rng)[:4], (centre[0] - radius, centre[1] + 3)
    _text(image, word, origin, width=1.8 * radius, ink=_colour(rng), stroke=1, rng=rng)
