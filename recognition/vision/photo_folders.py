"""Finds labelled photos on the disk: a class is a photo's own folder, at any depth."""

from __future__ import annotations

from pathlib import Path

from catalog.pictures.structure import SUFFIXES


class FolderUnusable(ValueError):
    """A folder that does not hold what was expected; the message names it and says what is expected."""


def photos_by_class(folder: Path) -> dict[str, list[Path]]:
    """List the photos below a folder by class, both in the order of their names.

    Folders of one name are one class, wherever they lie.

    Raises
    ------
    FolderUnusable
        When there is no such folder, no photo in it, or a folder in it that holds neither photos nor folders.
    """
    if not folder.is_dir():
        raise FolderUnusable(f"{folder} is not a folder.")
    found: dict[str, list[Path]] = {}
    for place in sorted([folder, *(path for path in folder.rglob("*") if path.is_dir())]):
        content = [path for path in sorted(place.iterdir()) if not path.name.startswith(".")]
        photos = [path for path in content if path.is_file() and path.suffix.lower() in SUFFIXES]
        if photos:
            found.setdefault(place.resolve().name, []).extend(photos)
        elif not any(path.is_dir() for path in content) and place != folder:
            raise FolderUnusable(f"{place} holds no photo; expected JPEG, PNG or WebP.")
    if not found:
        raise FolderUnusable(f"{folder} holds no photo; expected folders of JPEG, PNG or WebP, one a class.")
    return dict(sorted(found.items()))
