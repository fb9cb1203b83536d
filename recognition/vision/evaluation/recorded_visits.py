"""Reads recorded visits: folders of frames, and a ``truth.json`` that says what was shown in them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from recognition.vision.photos.folders import FolderUnusable, photos_in

FPS_DEFAULT = 10.0


@dataclass(frozen=True, eq=False)
class ShownItem:
    """An item in full view from frame ``first`` to frame ``last``; ``product`` is None where unregistered.

    Two items of one product are two entries, even if shown together.
    """

    first: int
    last: int
    product: str | None


@dataclass(frozen=True)
class RecordedVisit:
    """The frames of a visit in the order of their names, and what was shown in them.

    Attributes
    ----------
    cart : true quantities by product
    fps : frames per second
    shown : items in the order in which they came into view; None where the truth lists only the cart
    """

    name: str
    frames: tuple[Path, ...]
    cart: dict[str, int]
    fps: float
    shown: tuple[ShownItem, ...] | None


def visits_read(folder: Path) -> list[RecordedVisit]:
    """Read all visits that the ``truth.json`` in a folder lists.

    Raises
    ------
    FolderUnusable
        When the folder or the truth is missing, the truth cannot be parsed, or the frames of a visit are
        missing; the message names the file or folder.
    """
    path = folder / "truth.json"
    if not path.is_file():
        raise FolderUnusable(f"{folder} holds no truth.json, which lists the visits and their true carts.")
    try:
        truth = json.loads(path.read_text(encoding="utf-8"))
        fps = float(truth.get("fps", FPS_DEFAULT))
        visits = [_visit(folder, entry, fps) for entry in truth["visits"]]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        if isinstance(error, FolderUnusable):
            raise
        raise FolderUnusable(f"{path} does not list visits with name, cart and events: {error!r}.") from error
    if not visits or not fps > 0:
        raise FolderUnusable(f"{path} lists no visits." if not visits else f"{path}: fps must be above 0.")
    if len({visit.name for visit in visits}) < len(visits):
        raise FolderUnusable(f"{path} lists a visit twice.")
    return visits


def _visit(folder: Path, entry: dict[str, Any], fps: float) -> RecordedVisit:
    name = str(entry["name"])
    visit_folder = folder / name
    pictures = tuple(photos_in(visit_folder)) if visit_folder.is_dir() else ()
    if not pictures:
        raise FolderUnusable(f"{visit_folder} holds no frames, but {folder / 'truth.json'} lists the visit.")
    if entry.get("frames", len(pictures)) != len(pictures):
        raise FolderUnusable(
            f"{visit_folder} holds {len(pictures)} frames; {folder / 'truth.json'} lists {entry['frames']}."
        )
    shown = entry.get("events")
    return RecordedVisit(
        name=name,
        frames=pictures,
        cart={str(product): int(count) for product, count in entry["cart"].items()},
        fps=fps,
        shown=None
        if shown is None
        else tuple(ShownItem(int(each["first"]), int(each["last"]), each["product"]) for each in shown),
    )
