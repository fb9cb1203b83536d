"""Recognizes the pictures in files and folders."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from recognition.engine.shared import engine
from recognition.services.recognizing import PictureAnswer, pictures_recognize
from recognition.vision.batches import batches
from recognition.vision.photos.folders import folders_below, photos_in

FILES_AT_ONCE = 16
"""Files in memory at a time; the engine's batches are as large."""


def recognize_files(paths: Sequence[Path], *, top: int) -> list[PictureAnswer]:
    """Recognize picture files as `pictures_recognize` does; a folder stands for every photo below it.

    Hidden files and folders are skipped. Waits for the thresholds too, which a running server has measured
    long before.

    Raises
    ------
    FileNotFoundError
        When one of the paths is not there or a folder holds no photo; then nothing was loaded.
    """
    files = list(_files(paths))
    engine().wait_ready()
    answers: list[PictureAnswer] = []
    for some in batches(files, FILES_AT_ONCE):
        answers += pictures_recognize([(str(file), file.read_bytes()) for file in some], top=top)
    return answers


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            photos = [photo for folder in (path, *folders_below(path)) for photo in photos_in(folder)]
            if not photos:
                raise FileNotFoundError(f"{path} holds no JPEG, PNG or WebP.")
            yield from sorted(photos)
        elif path.is_file():
            yield path
        else:
            raise FileNotFoundError(f"{path} is not there.")
