"""Index files of another's making: every digest fits, but nobody who had the key wrote them."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from recognition.vision.encoders.layout import EMBEDDING_DIM
from recognition.vision.store.generation_files import DATA_FILES, EMBEDDINGS, FAISS_INDEX, LABELS, MANIFEST
from recognition.vision.store.generations import CURRENT

Forgery = Callable[[Path], None]


def rows_of(folder: Path) -> int:
    return int(json.loads((folder / MANIFEST).read_bytes())["rows"])


def pickled_objects(folder: Path) -> None:
    labels = np.array([{"a": "pickle"}] * rows_of(folder), dtype=object)
    np.save(folder / LABELS, labels, allow_pickle=True)


def another_type(folder: Path) -> None:
    np.save(folder / EMBEDDINGS, np.load(folder / EMBEDDINGS).astype(np.float64))


def another_shape(folder: Path) -> None:
    np.save(folder / EMBEDDINGS, np.zeros((rows_of(folder), 7), np.float32))


def header_beyond_the_file(folder: Path) -> None:
    path = folder / EMBEDDINGS
    shape = f"({rows_of(folder)}, {EMBEDDING_DIM})".encode()
    claimed = f"({10**9}, {EMBEDDING_DIM})".encode()
    content = path.read_bytes()
    grown = len(claimed) - len(shape)
    path.write_bytes(content.replace(shape + b", }" + b" " * grown, claimed + b", }", 1))


def cut_off(folder: Path) -> None:
    path = folder / EMBEDDINGS
    path.write_bytes(path.read_bytes()[:-40])


def faiss_header_lies(folder: Path) -> None:
    path = folder / FAISS_INDEX
    content = bytearray(path.read_bytes())
    struct.pack_into("<q", content, 8, 2**40)  # after the kind and the columns: how many rows there are
    path.write_bytes(content)


def swapped_vectors(folder: Path) -> None:
    embeddings = np.load(folder / EMBEDDINGS)
    np.save(folder / EMBEDDINGS, embeddings[::-1].copy())


def restored_rows(folder: Path) -> None:
    facts = json.loads((folder / MANIFEST).read_bytes())
    (folder / MANIFEST).write_text(json.dumps({**facts, "withdrawn": []}))


FORGERIES: tuple[Forgery, ...] = (
    pickled_objects,
    another_type,
    another_shape,
    header_beyond_the_file,
    cut_off,
    faiss_header_lies,
    swapped_vectors,
    restored_rows,
)
WRONG_ANSWERS: tuple[Forgery, ...] = (swapped_vectors, restored_rows)


def forge(root: Path, forgery: Forgery, *, sign: Callable[[bytes], str] | None = None) -> None:
    """Forge the live generation: files, digests and, unless a signer is given, a signature of nobody's."""
    name, _, signature = (root / CURRENT).read_text().split()
    folder = root / name
    forgery(folder)
    facts: dict[str, Any] = json.loads((folder / MANIFEST).read_bytes())
    facts.pop("digest")
    facts["sha256"] = {file: hashlib.sha256((folder / file).read_bytes()).hexdigest() for file in DATA_FILES}
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    manifest = (json.dumps({**facts, "digest": digest}, indent=1) + "\n").encode()
    (folder / MANIFEST).write_bytes(manifest)
    if sign is not None:
        signature = sign(manifest)
    (root / CURRENT).write_text(f"{name} {hashlib.sha256(manifest).hexdigest()} {signature}\n")
