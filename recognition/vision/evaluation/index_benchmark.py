"""How fast a registration is and how little it disturbs searches, against rebuilding everything each time."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from recognition.vision.encoders.layout import EMBEDDING_DIM, SEMANTIC_DIM, VISUAL_DIM, fuse, join_blocks
from recognition.vision.evaluation.processor import processor_name
from recognition.vision.store.faiss_store import FaissStore
from recognition.vision.store.generation_files import EMBEDDINGS, FAISS_INDEX, LABELS
from recognition.vision.types import FloatArray

PHOTOS = 5
"""Photos of one registration."""

APPENDS = 201
"""Registrations timed per size, in turn with the other sizes so that a busy moment strikes all alike."""

SEARCHES = 31
TOP_ROWS = 10
STALL_TRIALS = 11
STALL_SLICES = 10
STALL_SLICE_S = 0.08
REGISTRATION_PAUSE_S = 0.005
GENERATED_ROWS = 8192


def benchmark_index(
    sizes: Sequence[int] = (1_000, 10_000, 100_000), report: Callable[[str], object] = lambda line: None
) -> dict[str, Any]:
    """Measure appends, rebuilds, searches and the wait of readers at several sizes of the index.

    Parameters
    ----------
    sizes : rows already there, rising
    report : receives a line for each step

    Returns
    -------
    ``rows``, one per size, times in milliseconds:

    - ``n``: rows already there when the appends begin
    - ``append_ms``: one registration of 5 photos, from unweighted embeddings to searchable rows: fusing,
      waiting for the lock and copying; median of 201
    - ``append_p95_ms``: its 95th percentile
    - ``rebuild_ms``: the same 5 photos the plain way: load ``embeddings.npy`` and ``labels.npy``, append,
      save both, build a new flat index of all rows, save that; median of 3
    - ``rebuild_in_memory_ms``: of that the part without files
    - ``search_ms``: the 10 best rows for one query; median of 31
    - ``reader_stall_ms``: the longest search of a reader while a registration comes every 5 ms, less the
      longest while none does; the two take turns within a trial, median of 11 trials, at least 0
    - ``speedup``: ``rebuild_ms / append_ms``; ``speedup_in_memory`` likewise

    ``append_flatness``: append time at the largest size over that at the smallest.
    ``machine`` and ``versions``: what it was measured on.
    """
    sizes = sorted(sizes)
    report(f"drawing {sizes[-1]} random embeddings")
    embeddings = _random_embeddings(sizes[-1])
    stores = []
    for size in sizes:
        report(f"filling an index with {size} rows")
        store = FaissStore()
        for start in range(0, size, GENERATED_ROWS):
            store.add(fuse(embeddings[start : min(start + GENERATED_ROWS, size)]))
        stores.append(store)
    faiss.omp_set_num_threads(1)
    rows = []
    searches = [_search_ms(store) for store in stores]
    report(f"registering {APPENDS} times at each size")
    appends = _append_ms(stores)
    for size, store, append_ms, search_ms in zip(sizes, stores, appends, searches, strict=True):
        report(f"searching while registering at {size} rows")
        stall_ms = statistics.median(_stall_ms(store) for _ in range(STALL_TRIALS))
        report(f"rebuilding at {size} rows")
        rebuild_ms, in_memory_ms = _rebuild_ms(embeddings[:size])
        typical_ms = statistics.median(append_ms)
        rows.append(
            {
                "n": size,
                "append_ms": round(typical_ms, 4),
                "append_p95_ms": round(float(np.percentile(append_ms, 95)), 4),
                "rebuild_ms": round(rebuild_ms, 2),
                "rebuild_in_memory_ms": round(in_memory_ms, 2),
                "search_ms": round(search_ms, 3),
                "reader_stall_ms": round(max(stall_ms, 0.0), 3),
                "speedup": round(rebuild_ms / typical_ms),
                "speedup_in_memory": round(in_memory_ms / typical_ms),
            }
        )
    return {
        "rows": rows,
        "append_flatness": round(statistics.median(appends[-1]) / statistics.median(appends[0]), 3),
        "machine": {
            "processor": processor_name(),
            "processors": os.cpu_count(),
            "system": f"{platform.system()} {platform.machine()}",
        },
        "versions": {
            "python": platform.python_version(),
            "faiss": faiss.__version__,
            "numpy": np.__version__,
        },
    }


def _random_embeddings(count: int, seed: int = 0) -> FloatArray:
    generator = np.random.default_rng(seed)
    embeddings = np.empty((count, EMBEDDING_DIM), np.float32)
    for start in range(0, count, GENERATED_ROWS):
        rows = min(GENERATED_ROWS, count - start)
        embeddings[start : start + rows] = join_blocks(
            generator.standard_normal((rows, VISUAL_DIM), np.float32),
            generator.standard_normal((rows, SEMANTIC_DIM), np.float32),
        )
    return embeddings


def _timed_ms(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return (time.perf_counter() - start) * 1_000


def _append_ms(stores: Sequence[FaissStore]) -> list[list[float]]:
    """Time registrations on all stores in turn; they grow by 201 x 5 rows."""
    photos = _random_embeddings(PHOTOS, seed=1)
    times: list[list[float]] = [[] for _ in stores]
    for turn in range(APPENDS):
        for offset in range(len(stores)):
            # each store follows each other one equally often, so that none always finds a warm cache
            number = (turn + offset) % len(stores)
            store = stores[number]
            times[number].append(_timed_ms(lambda store=store: store.add(fuse(photos))))  # type: ignore[misc]
    return times


def _search_ms(store: FaissStore) -> float:
    query = fuse(_random_embeddings(1, seed=2))
    return statistics.median(_timed_ms(lambda: store.search(query, TOP_ROWS)) for _ in range(SEARCHES))


def _stall_ms(store: FaissStore) -> float:
    """Return how much longer the longest search takes while photos are registered."""
    query = fuse(_random_embeddings(1, seed=3))
    photos = _random_embeddings(PHOTOS, seed=4)
    done, registering = threading.Event(), threading.Event()
    longest_ms = {False: 0.0, True: 0.0}

    def read() -> None:
        while not done.is_set():
            beside_a_writer = registering.is_set()
            taken_ms = _timed_ms(lambda: store.search(query, TOP_ROWS))
            longest_ms[beside_a_writer] = max(longest_ms[beside_a_writer], taken_ms)

    reader = threading.Thread(target=read)
    reader.start()
    try:
        for _ in range(STALL_SLICES):
            registering.clear()
            time.sleep(STALL_SLICE_S)
            registering.set()
            until = time.perf_counter() + STALL_SLICE_S
            while time.perf_counter() < until:
                store.add(fuse(photos))
                time.sleep(REGISTRATION_PAUSE_S)
    finally:
        done.set()
        reader.join()
    return longest_ms[True] - longest_ms[False]


def _rebuild_ms(embeddings: FloatArray) -> tuple[float, float]:
    """Time registering 5 photos the plain way: with its files, and the work in memory alone."""
    photos = _random_embeddings(PHOTOS, seed=5)
    with tempfile.TemporaryDirectory(prefix="index-benchmark-") as name:
        folder = Path(name)
        whole, in_memory = [], []
        for _ in range(3):
            np.save(folder / EMBEDDINGS, embeddings)
            np.save(folder / LABELS, np.array([f"product {row // PHOTOS}" for row in range(len(embeddings))]))
            start = time.perf_counter()
            loaded, labels = np.load(folder / EMBEDDINGS), np.load(folder / LABELS)
            after_loading = time.perf_counter()
            everything = np.concatenate([loaded, photos])
            all_labels = np.concatenate([labels, ["new product"] * PHOTOS])
            index = faiss.IndexFlatIP(EMBEDDING_DIM)
            index.add(fuse(everything))
            after_building = time.perf_counter()
            np.save(folder / EMBEDDINGS, everything)
            np.save(folder / LABELS, all_labels)
            faiss.write_index(index, str(folder / FAISS_INDEX))
            whole.append((time.perf_counter() - start) * 1_000)
            in_memory.append((after_building - after_loading) * 1_000)
    return statistics.median(whole), statistics.median(in_memory)
