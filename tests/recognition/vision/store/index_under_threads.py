"""Searches and appends at once, run as a process of its own because without a lock it crashes.

Usage: python index_under_threads.py unlocked|locked|store. Prints "sound" when every answer was right.
"""

from __future__ import annotations

import contextlib
import resource
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import faiss
import numpy as np
from numpy.typing import NDArray

from recognition.vision.encoders.layout import EMBEDDING_DIM
from recognition.vision.store.faiss_store import FaissStore
from recognition.vision.store.rwlock import RWLock

ROWS_AT_START = 200
BATCH_ROWS = 50
BATCHES = 150

Floats = NDArray[np.float32]
Lock = Callable[[], contextlib.AbstractContextManager[None]]


def plain_index(reading: Lock, writing: Lock) -> tuple[Callable[[Floats], object], Callable[[Floats], int]]:
    index = faiss.IndexFlatIP(EMBEDDING_DIM)

    def add(vectors: Floats) -> None:
        with writing():
            index.add(vectors)

    def best_row(query: Floats) -> int:
        with reading():
            return int(index.search(query, 1)[1][0, 0])

    return add, best_row


def segmented_store() -> tuple[Callable[[Floats], object], Callable[[Floats], int]]:
    store = FaissStore(segment_rows=1024)

    def best_row(query: Floats) -> int:
        return int(store.search(query, 1)[1][0, 0])

    return store.add, best_row


def main(kind: str) -> int:
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    lock = RWLock()
    if kind == "store":
        add, best_row = segmented_store()
    elif kind == "locked":
        add, best_row = plain_index(lock.read, lock.write)
    else:
        add, best_row = plain_index(contextlib.nullcontext, contextlib.nullcontext)
    vectors = np.random.default_rng(0).standard_normal(
        (ROWS_AT_START + BATCHES * BATCH_ROWS, EMBEDDING_DIM), dtype=np.float32
    )
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    add(vectors[:ROWS_AT_START])
    done = threading.Event()

    def search_until_done(seed: int) -> int:
        faiss.omp_set_num_threads(1)
        generator = np.random.default_rng(seed)
        wrong = 0
        while not done.is_set():
            row = int(generator.integers(ROWS_AT_START))
            wrong += best_row(vectors[row : row + 1]) != row
        return wrong

    with ThreadPoolExecutor() as pool:
        searches = [pool.submit(search_until_done, seed) for seed in range(3)]
        for start in range(ROWS_AT_START, len(vectors), BATCH_ROWS):
            add(vectors[start : start + BATCH_ROWS])
        done.set()
        wrong = sum(search.result() for search in searches)
    sys.stdout.write("sound\n" if wrong == 0 else f"{wrong} wrong answers\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
