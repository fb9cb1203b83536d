"""The files of one generation: written from a snapshot, checked byte by byte, and read back."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from recognition.vision.encoders.fingerprint import file_digest
from recognition.vision.encoders.layout import EMBEDDING_DIM, fuse
from recognition.vision.store.durable import file_sync
from recognition.vision.store.segments import flat_index_reserve
from recognition.vision.store.snapshot import Snapshot

EMBEDDINGS = "embeddings.npy"
LABELS = "labels.npy"
FAISS_INDEX = "faiss_index.bin"
MANIFEST = "manifest.json"
DATA_FILES = (EMBEDDINGS, LABELS, FAISS_INDEX)
MANIFEST_FORMAT = 1

FUSE_ROWS = 4096
"""Rows fused at a time while the FAISS file is built, so that its vectors exist once in memory, not twice."""


@dataclass(frozen=True)
class FileProblem:
    """What is wrong with one file of the live generation."""

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


def generation_write(folder: Path, name: str, snapshot: Snapshot) -> bytes:
    """Write and sync the files of a generation, and return its manifest."""
    file_write(folder / EMBEDDINGS, lambda path: _save_array(path, snapshot.embeddings))
    file_write(folder / LABELS, lambda path: _save_array(path, snapshot.labels))
    file_write(folder / FAISS_INDEX, lambda path: _save_faiss_index(path, snapshot))
    manifest = _manifest_bytes(
        {
            "format": MANIFEST_FORMAT,
            "generation": name,
            "rows": len(snapshot.embeddings),
            "applied_seq": snapshot.applied_seq,
            "fingerprint": snapshot.fingerprint,
            "visual_weight": snapshot.visual_weight,
            "origin": snapshot.origin,
            "withdrawn": list(snapshot.withdrawn),
            "sha256": {file: file_digest(folder / file, cache_path=None) for file in DATA_FILES},
        }
    )
    file_write(folder / MANIFEST, lambda path: path.write_bytes(manifest))
    return manifest


def manifest_sign(manifest: bytes, key: bytes) -> str:
    """Return the HMAC-SHA256 of a manifest in hexadecimal digits."""
    return hmac.digest(key, manifest, "sha256").hex()


def generation_check(
    folder: Path, *, manifest_sha256: str, signature: str, key: bytes
) -> tuple[dict[str, Any], list[FileProblem]]:
    """Check the signature of a generation, and only then every byte of it.

    Digests tell damage from what was written, but whoever can write the files can write digests that fit.
    Nothing is parsed before the signature was found right: JSON, NumPy and above all FAISS trust their input.

    Parameters
    ----------
    folder : of the generation, named like it
    manifest_sha256 : digest that its manifest must have
    signature : of the manifest, as `CURRENT` states it
    key : which must have made the signature

    Returns
    -------
    The facts of the manifest, empty when it is damaged itself, and what is wrong with each file.
    """
    if not (folder / MANIFEST).is_file():
        return {}, [FileProblem(MANIFEST, "missing")]
    raw = (folder / MANIFEST).read_bytes()
    if hashlib.sha256(raw).hexdigest() != manifest_sha256:
        return {}, [FileProblem(MANIFEST, "differs from the digest in CURRENT")]
    if not hmac.compare_digest(manifest_sign(raw, key), signature):
        return {}, [FileProblem(MANIFEST, "is not signed with the secret key in use")]
    manifest = _read_manifest(raw, folder.name)
    if manifest is None:
        return {}, [FileProblem(MANIFEST, f"is not the manifest of {folder.name}")]
    problems = [
        FileProblem(file, reason)
        for file in DATA_FILES
        if (reason := _file_problem(folder / file, manifest["sha256"][file], manifest["rows"]))
    ]
    return manifest, problems


def generation_read(folder: Path, manifest: dict[str, Any]) -> Snapshot:
    """Read a generation that `generation_check` found sound."""
    return Snapshot(
        embeddings=np.load(folder / EMBEDDINGS, allow_pickle=False),
        labels=np.load(folder / LABELS, allow_pickle=False),
        withdrawn=tuple(manifest["withdrawn"]),
        applied_seq=manifest["applied_seq"],
        fingerprint=manifest["fingerprint"],
        visual_weight=manifest["visual_weight"],
        origin=manifest["origin"],
    )


def file_write(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file and wait until its content has reached the disk."""
    write(path)
    file_sync(path)


def _manifest_bytes(facts: dict[str, Any]) -> bytes:
    """Write the facts with a digest of their own, always in the same bytes."""
    body = json.dumps(facts, sort_keys=True)
    return (
        json.dumps({**facts, "digest": hashlib.sha256(body.encode()).hexdigest()}, indent=1) + "\n"
    ).encode()


def _read_manifest(raw: bytes, name: str) -> dict[str, Any] | None:
    """Return the facts of a manifest, or None when these are not the very bytes written for ``name``."""
    try:
        facts = json.loads(raw)
        del facts["digest"]
    except (ValueError, KeyError, TypeError):
        return None
    if _manifest_bytes(facts) != raw or (facts["format"], facts["generation"]) != (MANIFEST_FORMAT, name):
        return None
    return facts


def _file_problem(path: Path, sha256: str, rows: int) -> str | None:
    if path.exists() and not path.is_file():
        return "is not a file"
    try:
        if file_digest(path, cache_path=None) != sha256:
            return "differs from the digest in the manifest"
        found = _rows_in(path)
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    except Exception as error:  # noqa: BLE001 - whatever the readers raise where a file is replaced meanwhile
        return f"cannot be read: {error}"
    return None if found == rows else f"has {found} rows, the manifest says {rows}"


def _rows_in(path: Path) -> int:
    """Count the rows of a file whose digest is right, without reading them."""
    if path.name == FAISS_INDEX:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC).ntotal
    # a memory map cannot be empty, an array of no rows can
    return len(
        np.load(path, mmap_mode="r" if path.stat().st_size > EMBEDDING_DIM else None, allow_pickle=False)
    )


def _save_array(path: Path, array: NDArray[Any]) -> None:
    """Write the file that `np.save` would, whose error on a full disk does not say that it is full."""
    whole = np.ascontiguousarray(array)
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(file, np.lib.format.header_data_from_array_1_0(whole))
        file.write(whole.view(np.uint8).data)


def _save_faiss_index(path: Path, snapshot: Snapshot) -> None:
    rows = len(snapshot.embeddings)
    index = flat_index_reserve(EMBEDDING_DIM, rows)
    for start in range(0, rows, FUSE_ROWS):
        index.add(fuse(snapshot.embeddings[start : start + FUSE_ROWS], visual_weight=snapshot.visual_weight))
    # Written by FAISS itself, a file that the disk has no room for may end early without an error.
    with path.open("wb") as file:
        faiss.write_index(index, faiss.PyCallbackIOWriter(file.write))  # type: ignore[attr-defined]  # missing from the stubs
