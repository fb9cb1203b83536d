"""Finds photos and their folders on the disk; where they are labelled, a class is a photo's own folder."""

from __future__ import annotations

from pathlib import Path

from catalog.pictures.structure import SUFFIXES


class FolderUnusable(ValueError):
    """A folder that does not hold what was expected; the message names it and says what is expected."""


def photos_by_class(folder: Path) -> dict[str, list[Path]]:
    """List the photos below a folder by class, both in the order of their names.

    Folders of one name are one class, wherever they lie; hidden ones are passed over.

    Raises
    ------
    FolderUnusable
        When there is no such folder, no photo in it, or a folder in it that holds neither photos nor folders.
    """
    if not folder.is_dir():
        raise FolderUnusable(f"{folder} is not a folder.")
    found: dict[str, list[Path]] = {}
    for place in (folder, *folders_below(folder)):
        photos = photos_in(place)
        if photos:
            found.setdefault(place.resolve().name, []).extend(photos)
        elif place != folder and not any(path.is_dir() and not _hidden(path) for path in place.iterdir()):
            raise FolderUnusable(f"{place} holds no photo; expected JPEG, PNG or WebP.")
    if not found:
        raise FolderUnusable(f"{folder} holds no photo; expected folders of JPEG, PNG or WebP, one a class.")
    return dict(sorted(found.items()))


def folders_below(folder: Path) -> list[Path]:
    """List the folders below a folder, at any depth, in the order of their names, without hidden ones."""
    found = sorted(path for path in folder.rglob("*") if path.is_dir())
    return [path for path in found if not any(part[0] == "." for part in path.relative_to(folder).parts)]


def photos_in(folder: Path) -> list[Path]:
    """List the photos that lie in a folder itself, in the order of their names, without hidden files."""
    return sorted(
        path
        for path in folder.iterdir()
        if path.suffix.lower() in SUFFIXES and not _hidden(path) and path.is_file()
    )


def _hidden(path: Path) -> bool:
    return path.name.startswith(".")
