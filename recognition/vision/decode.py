"""Turns the bytes of one camera frame into pixels, or refuses them before they cost anything."""

from __future__ import annotations

from io import BytesIO

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from recognition.vision.image_headers import (
    BadFrame,
    Container,
    ImageInfo,
    foreign_trailing,
    sniff_image,
    walk_image,
)

__all__ = ["BadFrame", "ImageInfo", "decode_frame", "sniff_image"]

MAX_BYTES = 1024 * 1024
MAX_PIXELS = 25_000_000
# Larger frames are handed on reduced: nothing after this step sees more, and boxes are relative.
MAX_SIDE_PX = 1600
MIN_SIDE_PX = 16
MAX_ASPECT = 20
# Usual progressive JPEGs make 10 passes. Each pass costs time in proportion to the pixels, while a crafted
# one needs some 50 bytes a pass: without a limit 1 MiB buys minutes of one processor.
MAX_SCANS = 24
MAX_SCANNED_PIXELS = 250_000_000

_PLUGINS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
}
_TRANSPOSE = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def decode_frame(
    data: bytes, *, max_bytes: int = MAX_BYTES, max_pixels: int = MAX_PIXELS
) -> NDArray[np.uint8]:
    """Decode one JPEG, PNG or WebP.

    The file is judged by its content, its structure is walked to its end and its size checked before a
    pixel is decoded. Metadata and colour profiles are cut away first, so that the decoder meets nothing but
    the picture; an animation gives its first image. Data after the end of the picture is refused unless it
    is padding: a camera's frame has none, and a file that is two things at once has no business here.

    Parameters
    ----------
    data : the whole file
    max_bytes : largest file accepted
    max_pixels : largest width x height accepted

    Returns
    -------
    uint8 (h, w, 3), RGB, turned upright as EXIF says, transparency laid on white, contiguous; at most
    1600 px on the longer side

    Raises
    ------
    BadFrame
        With code ``empty``, ``too_large``, ``unsupported_format``, ``damaged``, ``too_many_pixels``,
        ``bad_dimensions``, ``too_complex`` or ``trailing_data``.
    """
    if len(data) > max_bytes:
        raise BadFrame("too_large", f"the picture has {len(data)} bytes; at most {max_bytes} are allowed")
    container = walk_image(data)
    _check_limits(container, max_pixels)
    try:
        # Pillow lets through whatever its parsers stumble on, so everything is caught.
        return _pixels(container)
    except Exception as error:
        raise BadFrame("damaged", f"the {container.info.format} cannot be decoded") from error


def _check_limits(container: Container, max_pixels: int) -> None:
    width, height = container.info.width, container.info.height
    if width * height > max_pixels:
        raise BadFrame(
            "too_many_pixels", f"the picture has {width} x {height} pixels; at most {max_pixels} are allowed"
        )
    if min(width, height) < MIN_SIDE_PX or max(width, height) > MAX_ASPECT * min(width, height):
        raise BadFrame(
            "bad_dimensions",
            f"the picture has {width} x {height} pixels; each side needs at least {MIN_SIDE_PX}, and "
            f"one may be at most {MAX_ASPECT} times the other",
        )
    if container.scans > MAX_SCANS or container.scans * width * height > MAX_SCANNED_PIXELS:
        raise BadFrame("too_complex", f"the JPEG takes {container.scans} passes to decode")
    if foreign_trailing(container.trailing):
        raise BadFrame("trailing_data", f"{len(container.trailing)} bytes follow the end of the picture")


def _pixels(container: Container) -> NDArray[np.uint8]:
    info = container.info
    with _PLUGINS[info.format](BytesIO(container.picture)) as opened:
        if opened.size != (info.width, info.height):
            raise BadFrame("damaged", "the picture states two different sizes")
        if max(opened.size) > MAX_SIDE_PX:
            # A JPEG is decoded at the nearest larger eighth right away.
            opened.draft("RGB", (MAX_SIDE_PX, MAX_SIDE_PX))
        opened.load()
        image = _flattened(opened)
    if max(image.size) > MAX_SIDE_PX:
        image.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.BILINEAR, reducing_gap=2.0)
    if container.orientation in _TRANSPOSE:
        image = image.transpose(_TRANSPOSE[container.orientation])
    return np.ascontiguousarray(np.asarray(image, dtype=np.uint8))


def _flattened(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        # 16-bit grey, which Pillow would cut off at 255 instead of scaling.
        return Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        white = Image.new("RGBA", image.size, "white")
        return Image.alpha_composite(white, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")
