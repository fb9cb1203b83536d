"""The digest that keeps vectors of different encoders apart."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

FORMAT = "1"


def fingerprint_of(parts: Mapping[str, str]) -> str:
    """Digest named parts (weights, preprocessing, projection, dtype, ...), whatever their order.

    Parameters
    ----------
    parts : everything that changes the numbers an encoder produces

    Returns
    -------
    64 hexadecimal digits
    """
    canonical = json.dumps({"format": FORMAT, **parts}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def file_digest(path: Path, *, cache_path: Path | None) -> str:
    """SHA-256 of a file, remembered by path, size and modification time.

    Hashing 1.2 GB takes seconds, at every start without a cache. An unreadable cache is rebuilt, and one that
    cannot be written is skipped.

    Parameters
    ----------
    path : the file; links are followed, so that a hub cache is keyed by its blobs
    cache_path : a JSON file of known digests, or None to hash every time
    """
    resolved = path.resolve()
    facts = resolved.stat()
    key = str(resolved)
    stamp = f"{facts.st_size} {facts.st_mtime_ns}"
    known = _read(cache_path)
    remembered = known.get(key)
    if isinstance(remembered, list) and len(remembered) == 2 and remembered[0] == stamp:
        return str(remembered[1])
    with resolved.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if cache_path is not None:
        _write(cache_path, {**known, key: [stamp, digest]})
    return digest


def _read(cache_path: Path | None) -> dict[str, object]:
    if cache_path is None:
        return {}
    try:
        known = json.loads(cache_path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}


def _write(cache_path: Path, known: Mapping[str, object]) -> None:
    with suppress(OSError):
        cache_path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=cache_path.parent, prefix=f".{cache_path.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as stream:
                json.dump(known, stream, indent=1, sort_keys=True)
            Path(name).replace(cache_path)
        except OSError:
            Path(name).unlink(missing_ok=True)
