"""The files of photos: written whole before a row names them, removed once no row does."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from django.core.files.storage import default_storage

from catalog.images import photo_pixels
from recognition.vision.store.durable import file_sync, folder_sync

if TYPE_CHECKING:
    from recognition.vision.types import Image

logger = logging.getLogger(__name__)

TEMPORARY_SUFFIX = ".part"

PHOTO_UNREADABLE = (OSError, ValueError, SyntaxError)
"""Raised by reading a photo whose file is missing or cannot be decoded."""


def photo_path(name: str) -> Path:
    """Return the path of a stored name; refuses names that lead out of the media folder."""
    return Path(default_storage.path(name))


def photo_file_read(name: str) -> Image:
    """Decode a stored photo: uint8 RGB (h, w, 3); raises one of `PHOTO_UNREADABLE`."""
    return np.asarray(photo_pixels(photo_path(name).read_bytes()))


def photo_file_write(*, name: str, content: bytes) -> None:
    """Write a photo under its final name so that a crash leaves all of it or nothing.

    The file and its folder have reached the disk when this returns.
    """
    path = photo_path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + TEMPORARY_SUFFIX)
    part.write_bytes(content)
    file_sync(part)
    part.chmod(0o640)
    part.replace(path)
    for folder in (path.parent, path.parent.parent):
        folder_sync(folder)


def photo_files_remove(names: Iterable[str]) -> None:
    """Remove files and the folders they leave empty; what cannot be removed is logged and stays an orphan."""
    for name in names:
        path = photo_path(name)
        try:
            for file in (path, path.with_name(path.name + TEMPORARY_SUFFIX)):
                if file.exists():  # a disk that is read-only refuses to remove even what is not there
                    file.unlink(missing_ok=True)
        except OSError:
            logger.exception("cannot remove %s", path)
            continue
        try:
            path.parent.rmdir()
        except OSError:
            continue  # it holds other photos of the product
