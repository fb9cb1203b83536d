"""A short visit to the demo shop, drawn frame by frame, for trying checkout without a camera."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
from django.conf import settings
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from checkout.demo.drawing import counter, pack_view
from checkout.demo.pack import Pack
from checkout.demo.packs import PACKS

CLIP_PATH = PurePosixPath("demo/clip.json")  # in the media folder, its frames beside it
WIDTH, HEIGHT, FRAMES_PER_SECOND = 640, 480, 10
LEAD_IN_FRAMES = 15  # the empty counter, from which the background is learned
MOVE_FRAMES, HOLD_FRAMES, PAUSE_FRAMES = 6, 16, 9
ITEM_HEIGHT_PX = 250
MARGIN_PX = 400  # room beside the frame, from which packs come in
SKIN = (214, 168, 138)


@dataclass(frozen=True)
class Presentation:
    """One pack carried in from a side, held before the camera, and carried out again."""

    pack: Pack
    start: int
    side: int  # -1 from the left, 1 from the right

    @property
    def end(self) -> int:
        """Return the first frame in which nothing of it is left."""
        return self.start + 2 * MOVE_FRAMES + HOLD_FRAMES

    def centre(self, frame: int) -> tuple[float, float]:
        """Return the centre of the pack in a frame, in pixels."""
        step = frame - self.start
        way = min((step + 0.5) / MOVE_FRAMES, 1.0, (self.end - frame - 0.5) / MOVE_FRAMES)
        ease = way * way * (3 - 2 * way)
        outside = WIDTH / 2 + self.side * (WIDTH / 2 + 220)
        return outside + (WIDTH / 2 + self.side * 20 - outside) * ease, HEIGHT / 2 + 3 * np.sin(frame * 0.9)


def clip_available() -> bool:
    """Whether the media folder holds a clip to play instead of a camera."""
    return (Path(settings.MEDIA_ROOT) / CLIP_PATH).is_file()


def clip_plan() -> list[Presentation]:
    """Return what is shown when: five different packs and one of them a second time."""
    packs = [PACKS[number] for number in (1, 5, 6, 11, 3, 5)]
    length = 2 * MOVE_FRAMES + HOLD_FRAMES + PAUSE_FRAMES
    return [
        Presentation(pack, LEAD_IN_FRAMES + length * i, -1 if i % 2 else 1) for i, pack in enumerate(packs)
    ]


def clip_cart() -> dict[str, int]:
    """Return the cart the clip must end with, by product name."""
    cart: dict[str, int] = {}
    for presentation in clip_plan():
        cart[presentation.pack.name] = cart.get(presentation.pack.name, 0) + 1
    return cart


def clip_length() -> int:
    """Return the number of frames: the visit and a last look at the empty counter."""
    return clip_plan()[-1].end + LEAD_IN_FRAMES


def clip_frames() -> Iterator[Image.Image]:
    """Draw the clip: RGB 640x480 pictures, 10 a second."""
    random = np.random.default_rng(7)
    still = counter(random, WIDTH, HEIGHT)
    plan = clip_plan()
    for number in range(clip_length()):
        frame = still.copy()
        for presentation in plan:
            if presentation.start <= number < presentation.end:
                _draw(frame, presentation, number)
        grain = random.normal(0, 2.0, (HEIGHT, WIDTH, 1))
        yield Image.fromarray(np.clip(np.asarray(frame, np.float32) + grain, 0, 255).astype(np.uint8))


def _draw(frame: Image.Image, presentation: Presentation, number: int) -> None:
    """Paste the pack and the arm that holds it into the frame, blurred sideways while they move."""
    layer = Image.new("RGBA", (WIDTH + 2 * MARGIN_PX, HEIGHT))
    x, y = presentation.centre(number)
    x += MARGIN_PX
    view = pack_view(presentation.pack, 0.25 * np.sin((number - presentation.start) * 0.22))
    view = view.resize(
        (int(view.width * ITEM_HEIGHT_PX / view.height), ITEM_HEIGHT_PX), Image.Resampling.LANCZOS
    )
    view = view.rotate(
        presentation.side * 4 + 2 * np.sin(number * 0.5), Image.Resampling.BICUBIC, expand=True
    )
    layer.alpha_composite(view, (int(x - view.width / 2), int(y - view.height / 2)))
    draw = ImageDraw.Draw(layer)
    grip = (x + presentation.side * view.width * 0.44, y + view.height * 0.3)
    draw.line((*grip, x + presentation.side * WIDTH, y + view.height * 0.55), fill=SKIN, width=46)
    draw.ellipse((grip[0] - 34, grip[1] - 27, grip[0] + 34, grip[1] + 27), fill=SKIN)
    if not presentation.start + MOVE_FRAMES <= number < presentation.end - MOVE_FRAMES:
        layer = _blurred_sideways(layer)
    layer = layer.crop((MARGIN_PX, 0, MARGIN_PX + WIDTH, HEIGHT))
    frame.paste(layer, (0, 0), layer)


def _blurred_sideways(layer: Image.Image) -> Image.Image:
    """Blur as a short exposure of something moving does."""
    shifted = [ImageChops.offset(layer, shift, 0) for shift in (-4, 0, 4)]
    mean = Image.blend(Image.blend(shifted[0], shifted[2], 0.5), shifted[1], 1 / 3)
    return mean.filter(ImageFilter.GaussianBlur(0.6))
