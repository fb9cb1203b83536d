"""Finds photos in folders; where they are labelled, the class of a photo is the name of its folder."""

from __future__ import annotations

from pathlib import Path

from catalog.pictures.structure import SUFFIXES


class FolderUnusable(ValueError):
    """A folder that does not hold what is expected; the message names both."""


def photos_by_class(folder: Path) -> dict[str, list[Path]]:
    """List the photos below a folder by class, both in the order of their names.

    Folders of the same name are one class, wherever they are; hidden ones are skipped.

    Raises
    ------
    FolderUnusable
        When there is no such folder, it holds no photo, or a folder in it holds neither photos nor folders.
    """
    if not folder.is_dir():
        raise FolderUnusable(f"{folder} is not a folder.")
    found: dict[str, list[Path]] = {}
    for each in (folder, *folders_below(folder)):
        photos = photos_in(each)
        if photos:
            found.setdefault(each.resolve().name, []).extend(photos)
        elif each != folder and not any(path.is_dir() and not _hidden(path) for path in each.iterdir()):
            raise FolderUnusable(f"{each} holds no photo; expected JPEG, PNG or WebP.")
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
