"""The secret key of a shop that was given none: made once, and kept in the data folder."""

from __future__ import annotations

import os
import secrets
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured
from filelock import FileLock

CHARACTERS_MIN = 50
DISTINCT_MIN = 5


def secret_key_fault(key: str) -> str:
    """Return why a key can be guessed, or nothing."""
    if len(key) < CHARACTERS_MIN:
        return f"it has {len(key)} characters, and {CHARACTERS_MIN} are needed"
    if len(set(key)) < DISTINCT_MIN:
        return f"it has {len(set(key))} different characters, and {DISTINCT_MIN} are needed"
    return ""


def secret_key_read(folder: Path) -> str:
    """Return the key stored in a folder; make one where there is none, or nothing in its file.

    Processes that start at once agree: one of them makes the key under a lock, and its file is complete as
    soon as it has its name. A file that holds part of a key is an error: a new key would log everybody out.
    """
    path = folder / "secret_key"
    key = _stored(path)
    if not key:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(folder / "secret_key.lock", mode=0o600):
                key = _stored(path) or _made(path)
        except OSError as error:
            raise ImproperlyConfigured(f"EBRCS_DATA_DIR: nothing can be written there: {error}") from error
    if fault := secret_key_fault(key):
        raise ImproperlyConfigured(
            f"{path} holds no whole key: {fault}. Restore it, or delete it to have a new one made, "
            "after which everybody has to log in again."
        )
    return key


def _stored(path: Path) -> str:
    try:
        return path.read_bytes().decode("ascii", errors="replace").strip(" \t\r\n\0")
    except (FileNotFoundError, NotADirectoryError):
        return ""
    except OSError as error:
        raise ImproperlyConfigured(f"EBRCS_DATA_DIR: the secret key cannot be read: {error}") from error


def _made(path: Path) -> str:
    """Write a new key under another name, and rename it once it is on the disk."""
    key = secrets.token_urlsafe(50)
    descriptor, name = tempfile.mkstemp(prefix="secret_key.", dir=path.parent)
    with os.fdopen(descriptor, "w") as file:
        file.write(key)
        file.flush()
        os.fsync(file.fileno())
    Path(name).replace(path)
    return key
