"""Draws the packs of the demo shop from several sides, and photos of them on a counter."""

from __future__ import annotations

from functools import cache
from math import cos, pi

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont

from checkout.demo.pack import Pack

HEIGHT_PX = 480
FONT_SIZE_PX = 100.0
VIEW_ANGLES = (0.0, -0.45, 0.45, -0.8, 0.8)  # how far the pack is turned about its upright axis, in radians


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
        FONT_SIZE_PX * reach / ImageFont.load_default(FONT_SIZE_PX).getlength(pack.label)
    )
    draw.text(
        (pack.width_px / 2, HEIGHT_PX * 0.24),
        pack.label,
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
