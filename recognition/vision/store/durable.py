"""Makes files and their names survive a loss of power."""

from __future__ import annotations

import os
from pathlib import Path


def file_sync(path: Path) -> None:
    """Wait until the content of a file has reached the disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def folder_sync(folder: Path) -> None:
    """Wait until the names in a folder, not only the contents of its files, have reached the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
