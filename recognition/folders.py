"""Finds the folders that hold what is to be imported or recognised."""

from __future__ import annotations

from pathlib import Path


def folders_below(folder: Path) -> list[Path]:
    """Return the folders below a folder, at any depth, by their names; hidden ones are passed over."""
    found = sorted(path for path in folder.rglob("*") if path.is_dir())
    return [path for path in found if not any(part[0] == "." for part in path.relative_to(folder).parts)]
