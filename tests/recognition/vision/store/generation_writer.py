"""Writes one snapshot after another until killed, run as a process of its own.

Usage: python generation_writer.py whole|in_place FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

import faiss
import numpy as np

from recognition.vision.encoders.layout import EMBEDDING_DIM, fuse
from recognition.vision.store.generation_files import EMBEDDINGS, FAISS_INDEX, LABELS
from recognition.vision.store.generations import GenerationStore
from recognition.vision.store.snapshot import Snapshot

ROWS = 400
KEY = b"tests only"


def snapshot_number(number: int) -> Snapshot:
    """Every value tells which snapshot it belongs to."""
    return Snapshot(
        embeddings=np.full((ROWS, EMBEDDING_DIM), number, np.float32),
        labels=np.full(ROWS, f"product-{number:06}"),
        withdrawn=(number % ROWS,),
        applied_seq=number,
        fingerprint="f00d",
        visual_weight=0.7,
    )


def write_in_place(folder: Path, snapshot: Snapshot) -> None:
    """Overwrite the three files where they are."""
    np.save(folder / EMBEDDINGS, snapshot.embeddings)
    np.save(folder / LABELS, snapshot.labels)
    index = faiss.IndexFlatIP(EMBEDDING_DIM)
    index.add(fuse(snapshot.embeddings))
    faiss.write_index(index, str(folder / FAISS_INDEX))


def main(kind: str, folder: Path) -> None:
    store = GenerationStore(folder, key=KEY)
    number = 0
    while True:
        number += 1
        if kind == "whole":
            store.write(snapshot_number(number))
            store.prune(2)
        else:
            write_in_place(folder, snapshot_number(number))
        if number >= 2:
            sys.stdout.write(f"{number}\n")
            sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
