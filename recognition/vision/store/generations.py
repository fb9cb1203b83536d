"""Generations of index files: written beside the old ones, switched at once, checked to the last bit."""

from __future__ import annotations

import fcntl
import hashlib
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from recognition.vision.encoders.layout import EMBEDDING_DIM, fuse
from recognition.vision.store.durable import file_sync, folder_sync
from recognition.vision.store.faiss_store import flat_index_reserve
from recognition.vision.types import FloatArray

EMBEDDINGS = "embeddings.npy"
LABELS = "labels.npy"
FAISS_INDEX = "faiss_index.bin"
MANIFEST = "manifest.json"
CURRENT = "CURRENT"
DATA_FILES = (EMBEDDINGS, LABELS, FAISS_INDEX)
MANIFEST_FORMAT = 1

FUSE_ROWS = 4096
"""Rows fused at a time while the FAISS file is built, so that its vectors exist once in memory, not twice."""

_CURRENT_LINE = re.compile(r"(gen-[1-9][0-9]*) ([0-9a-f]{64})\n")
_GENERATION_NAME = re.compile(r"gen-([1-9][0-9]*)")


class NoGeneration(Exception):
    """Nothing was ever written here."""


class GenerationDamaged(Exception):
    """The files are not what was written; the message names the file and what is wrong with it."""


class FingerprintMismatch(Exception):
    """The files hold embeddings of another encoder."""

    def __init__(self, *, found: str, expected: str) -> None:
        super().__init__(f"the index files were made by the encoder {found}, this one is {expected}")
        self.found = found
        self.expected = expected


@dataclass(frozen=True)
class FileProblem:
    """What is wrong with one file of the live generation."""

    file: str
    reason: str

    def __str__(self) -> str:
        return f"{self.file}: {self.reason}"


@dataclass(frozen=True, eq=False)
class Snapshot:
    """The index as of one moment of the log.

    Attributes
    ----------
    embeddings : float32 (n, 1280), unweighted, one per row, withdrawn rows included
    labels : unicode (n,), the product of each row
    withdrawn : rows that do not match, rising
    applied_seq : the last event of the log that is part of this
    fingerprint : the encoder the embeddings come from
    visual_weight : weight of the visual block in the fused vectors
    origin : tells the log this was made from apart from any other log, whatever number that has reached
    """

    embeddings: FloatArray
    labels: NDArray[np.str_]
    withdrawn: tuple[int, ...]
    applied_seq: int
    fingerprint: str
    visual_weight: float
    origin: str = ""

    def __post_init__(self) -> None:
        rows = len(self.embeddings)
        if self.embeddings.shape != (rows, EMBEDDING_DIM) or self.embeddings.dtype != np.float32:
            raise ValueError(
                f"expected embeddings float32 (n, {EMBEDDING_DIM}),"
                f" got {self.embeddings.dtype} {self.embeddings.shape}"
            )
        if self.labels.shape != (rows,) or self.labels.dtype.kind != "U":
            raise ValueError(f"expected {rows} labels of text, got {self.labels.dtype} {self.labels.shape}")
        if list(self.withdrawn) != sorted({row for row in self.withdrawn if 0 <= row < rows}):
            raise ValueError(f"expected withdrawn rows rising within 0..{rows - 1}")


class GenerationStore:
    """The folder of index files.

    ``gen-N`` folders are written under another name, flushed to disk and renamed; then ``CURRENT``, which
    names the live folder and the digest of its manifest, is replaced in one step. Whenever the power goes,
    ``CURRENT`` names a complete generation: the old one or the new one. The manifest carries the digest of
    each file, so that truncation, a flipped bit or a file of another generation does not pass. Files are a
    cache: whoever finds them damaged makes them anew from the database.

    Writers in several processes take turns. A generation is never changed after it was written.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def current(self) -> str:
        """Return the name of the live generation.

        Raises
        ------
        NoGeneration
            When nothing was written yet.
        GenerationDamaged
            When ``CURRENT`` is missing beside generations, or is not what was written.
        """
        return self._read_current()[0]

    def write(self, snapshot: Snapshot) -> str:
        """Write a complete new generation, make it the live one, and return its name."""
        self.root.mkdir(parents=True, exist_ok=True)
        with self._one_writer():
            name = f"gen-{max(self._numbers(), default=0) + 1}"
            partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=self.root))
            _write_file(partial / EMBEDDINGS, lambda path: _save_array(path, snapshot.embeddings))
            _write_file(partial / LABELS, lambda path: _save_array(path, snapshot.labels))
            _write_file(partial / FAISS_INDEX, lambda path: _save_faiss_index(path, snapshot))
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
                    "sha256": {file: _sha256(partial / file) for file in DATA_FILES},
                }
            )
            _write_file(partial / MANIFEST, lambda path: path.write_bytes(manifest))
            partial.chmod(0o755)
            folder_sync(partial)
            partial.rename(self.root / name)
            folder_sync(self.root)
            line = f"{name} {hashlib.sha256(manifest).hexdigest()}\n"
            partial_current = self.root / f".partial-{CURRENT}"
            _write_file(partial_current, lambda path: path.write_text(line, encoding="ascii"))
            partial_current.replace(self.root / CURRENT)
            folder_sync(self.root)
        return name

    def load(self, *, fingerprint: str) -> Snapshot:
        """Check the live generation and read it.

        Parameters
        ----------
        fingerprint : of the encoder that will ask; vectors of two encoders must never meet

        Raises
        ------
        NoGeneration, GenerationDamaged, FingerprintMismatch
        """
        name, manifest, problems = self._checked()
        if problems:
            raise GenerationDamaged("; ".join(f"{name}/{problem}" for problem in problems))
        if manifest["fingerprint"] != fingerprint:
            raise FingerprintMismatch(found=manifest["fingerprint"], expected=fingerprint)
        folder = self.root / name
        return Snapshot(
            embeddings=np.load(folder / EMBEDDINGS, allow_pickle=False),
            labels=np.load(folder / LABELS, allow_pickle=False),
            withdrawn=tuple(manifest["withdrawn"]),
            applied_seq=manifest["applied_seq"],
            fingerprint=manifest["fingerprint"],
            visual_weight=manifest["visual_weight"],
            origin=manifest["origin"],
        )

    def verify(self) -> list[FileProblem]:
        """Return what is wrong with each file of the live generation; nothing when all is well.

        Raises
        ------
        NoGeneration
            When nothing was written yet.
        """
        try:
            return self._checked()[2]
        except GenerationDamaged as damage:
            file, _, reason = str(damage).partition(": ")
            return [FileProblem(file, reason)]

    def prune(self, keep: int = 2) -> list[str]:
        """Delete all but the live generation and the newest ``keep``, and what a crash left half-written.

        A process may be reading the generation before the live one: keep two.

        Returns
        -------
        The names of the generations deleted.
        """
        if not self.root.is_dir():
            return []
        with self._one_writer():
            names = [f"gen-{number}" for number in sorted(self._numbers())]
            outdated = [name for name in names[: max(len(names) - keep, 0)] if name != self.current()]
            for path in [*(self.root / name for name in outdated), *self.root.glob(".partial-*")]:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        return outdated

    def _numbers(self) -> list[int]:
        names = (_GENERATION_NAME.fullmatch(path.name) for path in self.root.iterdir())
        return [int(name[1]) for name in names if name]

    @contextmanager
    def _one_writer(self) -> Iterator[None]:
        """Let one process at a time write here; the system lets go when a process dies."""
        with (self.root / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _read_current(self) -> tuple[str, str]:
        try:
            line = (self.root / CURRENT).read_bytes().decode("ascii")
        except FileNotFoundError:
            if self.root.is_dir() and self._numbers():
                raise GenerationDamaged(f"{CURRENT}: missing, although there are generations") from None
            raise NoGeneration(f"no index files in {self.root.name}") from None
        except UnicodeDecodeError:
            line = ""
        # the strict form also keeps a damaged or forged name from leading out of the folder
        match = _CURRENT_LINE.fullmatch(line)
        if match is None:
            raise GenerationDamaged(f"{CURRENT}: does not name a generation and a digest")
        if not (self.root / match[1]).is_dir():
            raise GenerationDamaged(f"{CURRENT}: names {match[1]}, which is missing")
        return match[1], match[2]

    def _checked(self) -> tuple[str, dict[str, Any], list[FileProblem]]:
        name, manifest_digest = self._read_current()
        folder = self.root / name
        try:
            raw = (folder / MANIFEST).read_bytes()
        except OSError:
            return name, {}, [FileProblem(MANIFEST, "missing")]
        if hashlib.sha256(raw).hexdigest() != manifest_digest:
            return name, {}, [FileProblem(MANIFEST, f"differs from the digest in {CURRENT}")]
        manifest = _read_manifest(raw, name)
        if manifest is None:
            return name, {}, [FileProblem(MANIFEST, f"is not the manifest of {name}")]
        problems = [
            FileProblem(file, reason)
            for file in DATA_FILES
            if (reason := _file_problem(folder / file, manifest["sha256"][file], manifest["rows"]))
        ]
        return name, manifest, problems


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
    try:
        if _sha256(path) != sha256:
            return "differs from the digest in the manifest"
        found = _rows_in(path)
    except FileNotFoundError:
        return "missing"
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None if found == rows else f"has {found} rows, the manifest says {rows}"


def _rows_in(path: Path) -> int:
    """Count the rows of a file whose digest is right, without reading them."""
    if path.name == FAISS_INDEX:
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP_IFC).ntotal
    # a memory map cannot be empty, an array of no rows can
    return len(
        np.load(path, mmap_mode="r" if path.stat().st_size > EMBEDDING_DIM else None, allow_pickle=False)
    )


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write_file(path: Path, write: Callable[[Path], object]) -> None:
    write(path)
    file_sync(path)


def _save_array(path: Path, array: NDArray[Any]) -> None:
    np.save(path, np.ascontiguousarray(array), allow_pickle=False)


def _save_faiss_index(path: Path, snapshot: Snapshot) -> None:
    rows = len(snapshot.embeddings)
    index = flat_index_reserve(EMBEDDING_DIM, rows)
    for start in range(0, rows, FUSE_ROWS):
        index.add(fuse(snapshot.embeddings[start : start + FUSE_ROWS], visual_weight=snapshot.visual_weight))
    faiss.write_index(index, str(path))
