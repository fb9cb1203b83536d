"""Decodes a picture file that was taken apart: upright, RGB, of bounded size."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from catalog.pictures.structure import PictureDamaged, Structure

PLUGINS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
}
DRAFTED_PIXELS_MAX = 2**24
"""A JPEG that would have more pixels than this after the usual reduction, as a panorama has, is reduced to
the eighth nearest its final size. Smaller ones are decoded as they always were: a photo is known again by the
exact pixels it was stored with."""

STRIP_ROWS = 256
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def picture_decode(
    structure: Structure, *, side_max_px: int, resampling: Image.Resampling = Image.Resampling.LANCZOS
) -> Image.Image:
    """Decode a picture, scale it down and turn it upright; of an animation the first picture.

    The caller has checked size and passes against its limits, which bound the cost of decoding.

    Parameters
    ----------
    side_max_px : longest side of the result
    resampling : how a larger picture is scaled down

    Returns
    -------
    RGB, transparent parts on white

    Raises
    ------
    PictureDamaged
        When the pixels cannot be decoded or are of another size than the structure states.
    """
    try:
        with PLUGINS[structure.format](BytesIO(structure.picture)) as opened:
            if opened.size != (structure.width, structure.height):
                raise PictureDamaged("it states two different sizes")
            # A large JPEG is decoded at the nearest larger eighth right away.
            opened.draft("RGB", draft_size(opened.size, side_max_px))
            opened.load()
            image = flattened(opened)
    except PictureDamaged:
        raise
    except Exception as error:  # Pillow passes on whatever its decoders raise
        raise PictureDamaged("it cannot be decoded") from error
    image.thumbnail((side_max_px, side_max_px), resampling)
    turn = UPRIGHT.get(structure.orientation)
    return image if turn is None else image.transpose(turn)


def draft_size(size: tuple[int, int], side_max_px: int) -> tuple[int, int]:
    """Return the size that a JPEG is decoded at, or a larger one."""
    width, height = size
    # The decoder divides both sides by the power of two, up to 8, that leaves both as large as asked for.
    reduction = max(1, min(width, height, 8 * side_max_px) // side_max_px)
    divisor = 1 << (reduction.bit_length() - 1)
    if width * height <= DRAFTED_PIXELS_MAX * divisor**2:
        return side_max_px, side_max_px
    longest = max(size)
    return max(1, width * side_max_px // longest), max(1, height * side_max_px // longest)


def flattened(image: Image.Image) -> Image.Image:
    """Convert any mode to RGB: transparent parts on white, 16 bits scaled to 8."""
    if image.mode.startswith("I"):  # 16-bit grey, which Pillow would clip at 255 instead of scaling
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA"} or "transparency" in image.info:
        flat = Image.new("RGB", image.size)
        for top in range(0, image.height, STRIP_ROWS):  # in strips, or the picture would be there four times
            box = (0, top, image.width, min(top + STRIP_ROWS, image.height))
            strip = image.crop(box).convert("RGBA")
            white = Image.new("RGBA", strip.size, "white")
            flat.paste(Image.alpha_composite(white, strip).convert("RGB"), box)
        return flat
    return image.convert("RGB")
