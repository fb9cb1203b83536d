from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import faiss
import numpy as np
import pytest

from recognition.vision.encoders.layout import EMBEDDING_DIM
from recognition.vision.store.faiss_store import SEGMENT_ROWS, FaissStore
from recognition.vision.store.segments import Segment, finalists
from recognition.vision.store.vector_store import VectorStore
from recognition.vision.types import FloatArray, IntArray

ROOT = Path(__file__).resolve().parents[4]


def unit_vectors(count: int, *, seed: int = 0, dimension: int = EMBEDDING_DIM) -> FloatArray:
    vectors = np.random.default_rng(seed).standard_normal((count, dimension), dtype=np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def coarse_vectors(generator: np.random.Generator, count: int, dimension: int) -> FloatArray:
    """Small whole numbers in a few columns: every inner product is exact in float32 and many are equal."""
    vectors = np.zeros((count, dimension), np.float32)
    vectors[:, :: dimension // 8] = generator.integers(-1, 2, vectors[:, :: dimension // 8].shape)
    return vectors


def brute_force(
    vectors: FloatArray, active: Sequence[bool], queries: FloatArray, k: int
) -> tuple[FloatArray, IntArray]:
    """Score every row in NumPy and sort them all; equal scores by row."""
    scores = np.full((len(queries), k), -np.inf, np.float32)
    rows = np.full((len(queries), k), -1, np.int64)
    candidates = np.flatnonzero(active)
    for number, query in enumerate(queries):
        products = (vectors[candidates].astype(np.float64) @ query.astype(np.float64)).astype(np.float32)
        order = np.lexsort((candidates, -products))[:k]
        scores[number, : len(order)] = products[order]
        rows[number, : len(order)] = candidates[order]
    return scores, rows


class Twin:
    """A store and a plain list of what must be in it."""

    def __init__(self, store: VectorStore, dimension: int) -> None:
        self.store = store
        self.vectors: FloatArray = np.empty((0, dimension), np.float32)
        self.active: list[bool] = []

    def add(self, vectors: FloatArray) -> None:
        first = len(self.vectors)
        assert self.store.add(vectors) == range(first, first + len(vectors))
        self.vectors = np.vstack([self.vectors, vectors])
        self.active += [True] * len(vectors)

    def set_active(self, rows: IntArray, *, active: bool) -> None:
        (self.store.restore if active else self.store.withdraw)(rows)
        for row in rows:
            self.active[row] = active

    def check(self, queries: FloatArray, k: int) -> None:
        scores, rows = self.store.search(queries, k)
        expected_scores, expected_rows = brute_force(self.vectors, self.active, queries, k)
        np.testing.assert_array_equal(rows, expected_rows)
        np.testing.assert_allclose(scores, expected_scores, rtol=0, atol=1e-6)
        assert self.store.row_count == len(self.vectors)
        assert self.store.active_count == sum(self.active)


@pytest.mark.parametrize("seed", range(12))
@pytest.mark.parametrize(("dimension", "segment_rows"), [(16, 24), (EMBEDDING_DIM, 64)])
def test_answers_equal_brute_force_while_rows_come_go_and_return(
    seed: int, dimension: int, segment_rows: int
) -> None:
    generator = np.random.default_rng(seed)
    twin = Twin(FaissStore(dimension=dimension, segment_rows=segment_rows), dimension)
    for _ in range(40):
        action = generator.choice(["add", "withdraw", "restore", "search"])
        rows = generator.integers(0, max(len(twin.vectors), 1), int(generator.integers(1, 30)))
        if action == "add":
            twin.add(coarse_vectors(generator, int(generator.integers(0, 50)), dimension))
        elif action != "search" and len(twin.vectors):
            twin.set_active(rows, active=bool(action == "restore"))
        twin.check(
            coarse_vectors(generator, int(generator.integers(1, 7)), dimension),
            int(generator.integers(1, 40)),
        )
    assert len(twin.vectors) > segment_rows
    np.testing.assert_array_equal(twin.store.vectors(range(len(twin.vectors))), twin.vectors)
    assert [twin.store.is_active(row) for row in range(len(twin.active))] == twin.active


@pytest.mark.parametrize("queries", [1, 2, 5, 16])
@pytest.mark.parametrize("withdrawn", [0, 7, 900])
def test_answers_equal_brute_force_on_unit_vectors_of_full_width(queries: int, withdrawn: int) -> None:
    twin = Twin(FaissStore(segment_rows=1000), EMBEDDING_DIM)
    twin.add(unit_vectors(2300))
    twin.set_active(np.arange(0, withdrawn), active=False)
    twin.check(unit_vectors(queries, seed=1), 20)


def test_equal_scores_come_in_the_order_of_their_rows_even_beyond_k() -> None:
    store = FaissStore(segment_rows=128)
    vectors = unit_vectors(400)
    copies = [3, 60, 61, 127, 128, 200, *range(300, 380)]
    vectors[copies] = vectors[3]
    store.add(vectors)
    scores, rows = store.search(vectors[3:4], 10)
    assert rows[0].tolist() == copies[:10]
    assert len(set(scores[0].tolist())) == 1


def test_control_faiss_alone_puts_the_higher_of_two_equal_rows_first() -> None:
    index = faiss.IndexFlatIP(EMBEDDING_DIM)
    vectors = unit_vectors(10)
    vectors[7] = vectors[3]
    index.add(vectors)
    assert index.search(vectors[3:4], 2)[1][0].tolist() == [7, 3]


def test_a_score_does_not_depend_on_the_company_of_the_query_or_the_row() -> None:
    vectors, queries = unit_vectors(300), unit_vectors(16, seed=1)
    one, many = FaissStore(), FaissStore(segment_rows=7)
    one.add(vectors)
    many.add(vectors)
    scores, rows = one.search(queries, 12)
    for number in range(len(queries)):
        alone_scores, alone_rows = many.search(queries[number : number + 1], 12)
        np.testing.assert_array_equal(alone_rows[0], rows[number])
        np.testing.assert_array_equal(alone_scores[0], scores[number])


def test_a_query_of_zeros_ties_with_every_row_and_gets_the_first() -> None:
    store = FaissStore(segment_rows=100)
    store.add(unit_vectors(250))
    store.withdraw([1])
    scores, rows = store.search(np.zeros((1, EMBEDDING_DIM), np.float32), 4)
    assert rows.tolist() == [[0, 2, 3, 4]]
    assert scores.tolist() == [[0.0, 0.0, 0.0, 0.0]]


def test_missing_answers_are_padded() -> None:
    store = FaissStore()
    vectors = unit_vectors(3)
    scores, rows = store.search(vectors, 2)
    assert rows.tolist() == [[-1, -1]] * 3
    assert np.isneginf(scores).all()
    store.add(vectors)
    store.withdraw([0, 2])
    scores, rows = store.search(vectors[1:2], 3)
    assert rows.tolist() == [[1, -1, -1]]
    assert scores[0, 0] == pytest.approx(1.0, abs=1e-6)
    assert np.isneginf(scores[0, 1:]).all()
    assert store.search(vectors[:0], 5)[1].shape == (0, 5)
    assert (str(scores.dtype), str(rows.dtype)) == ("float32", "int64")


def test_rows_keep_their_numbers_across_segments_and_withdrawals() -> None:
    store = FaissStore(segment_rows=10)
    vectors = unit_vectors(35)
    assert [store.add(part) for part in np.split(vectors, [4, 4, 29])] == [
        range(4),
        range(4, 4),
        range(4, 29),
        range(29, 35),
    ]
    store.withdraw(range(5, 25))
    assert store.active_count == 15
    assert store.search(vectors[30:31], 1)[1].tolist() == [[30]]
    np.testing.assert_array_equal(store.vectors([12, 3, 34, 3]), vectors[[12, 3, 34, 3]])
    store.restore(range(5, 25))
    assert store.search(vectors[12:13], 1)[1].tolist() == [[12]]


def test_withdrawing_and_restoring_twice_changes_nothing_more() -> None:
    store = FaissStore()
    store.add(unit_vectors(4))
    store.withdraw([1, 1])
    store.withdraw([1])
    assert store.active_count == 3
    store.restore([1, 2])
    store.restore([1])
    assert store.active_count == 4


@pytest.mark.parametrize("row", [-1, 4])
def test_a_row_never_added_is_refused_and_nothing_changes(row: int) -> None:
    store = FaissStore()
    store.add(unit_vectors(4))
    for call in (store.withdraw, store.restore, store.vectors):
        with pytest.raises(IndexError, match=f"row {row} was never added; there are 4 rows"):
            call([0, row])
    with pytest.raises(IndexError, match="never added"):
        store.is_active(row)
    assert [store.is_active(each) for each in range(4)] == [True] * 4


@pytest.mark.parametrize(
    ("vectors", "reason"),
    [
        (np.zeros((2, 5), np.float32), r"expected vectors of shape \(n, 1280\), got \(2, 5\)"),
        (np.zeros(EMBEDDING_DIM, np.float32), r"got \(1280,\)"),
        (np.full((1, EMBEDDING_DIM), np.nan, np.float32), "finite"),
        (np.full((1, EMBEDDING_DIM), np.inf, np.float32), "finite"),
    ],
)
def test_vectors_of_wrong_shape_or_value_are_refused_and_nothing_changes(
    vectors: FloatArray, reason: str
) -> None:
    store = FaissStore()
    with pytest.raises(ValueError, match=reason):
        store.add(vectors)
    with pytest.raises(ValueError, match=reason):
        store.search(vectors, 1)
    with pytest.raises(ValueError, match="k must be at least 1, got 0"):
        store.search(unit_vectors(1), 0)
    assert store.row_count == 0


def tail_address(store: FaissStore) -> int:
    return int(store._view.tail.index.get_xb())


def test_an_append_never_moves_the_rows_already_there() -> None:
    store = FaissStore(segment_rows=512)
    address = tail_address(store)
    for start in range(0, 512, 5):
        store.add(unit_vectors(min(5, 512 - start)))
        assert tail_address(store) == address
    sealed = store._view.tail
    store.add(unit_vectors(5))
    assert tail_address(store) != address
    assert int(sealed.index.get_xb()) == address
    assert sealed.rows == 512


def test_control_a_flat_index_moves_all_its_rows_as_it_grows() -> None:
    index = faiss.IndexFlatIP(EMBEDDING_DIM)
    addresses = set()
    for _ in range(100):
        index.add(unit_vectors(5))
        addresses.add(int(index.get_xb()))
    assert len(addresses) > 3


def test_a_search_under_way_sees_the_rows_as_they_stood_when_it_began() -> None:
    """Between the tail and the full segments a withdrawal and an append come in; neither shows."""
    store = FaissStore(segment_rows=10)
    vectors = unit_vectors(15)
    store.add(vectors)
    view = store._view
    tail, *sealed = view.tail, *view.sealed

    class Interrupted(type(tail)):  # type: ignore[misc]
        def best(self, queries: FloatArray, k: int) -> tuple[FloatArray, IntArray]:
            if store.row_count == 15:
                change = threading.Thread(target=withdraw_and_add)
                change.start()
                change.join(20)
                assert not change.is_alive()
            return super().best(queries, k)

    def withdraw_and_add() -> None:
        store.add(vectors[:2])
        store.withdraw([2, 12])

    first = sealed[0]
    interrupted = Interrupted(
        first.first_row, first.index, first.active_bits, first.selector, withdrawn=first.withdrawn
    )
    store._view = type(view)((interrupted,), tail)
    _, rows = store.search(vectors[2:3], 1)
    assert (store.row_count, store.active_count) == (17, 15)
    assert rows.tolist() == [[2]]
    _, rows = store.search(vectors[[2, 12]], 1)
    assert 2 not in rows
    assert 12 not in rows


def test_searching_uses_one_thread_of_openmp_in_whatever_thread_it_runs() -> None:
    store = FaissStore()
    store.add(unit_vectors(3))
    seen: list[int] = []

    def work() -> None:
        faiss.omp_set_num_threads(2)
        store.search(unit_vectors(1), 1)
        seen.append(faiss.omp_get_max_threads())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert seen == [1]


def test_one_default_segment_holds_the_rows_of_a_small_shop() -> None:
    store = FaissStore()
    store.add(np.zeros((600, EMBEDDING_DIM), np.float32))
    assert store._view.sealed == ()
    assert SEGMENT_ROWS > 600


def test_a_default_segment_is_full_at_8192_rows() -> None:
    store = FaissStore()
    store.add(np.zeros((8191, EMBEDDING_DIM), np.float32))
    store.add(np.zeros((1, EMBEDDING_DIM), np.float32))
    assert [segment.rows for segment in (*store._view.sealed, store._view.tail)] == [8192]
    store.add(np.zeros((1, EMBEDDING_DIM), np.float32))
    assert [segment.rows for segment in (*store._view.sealed, store._view.tail)] == [8192, 1]


def test_a_long_append_becomes_visible_256_rows_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    store = FaissStore(dimension=16)
    visible: list[int] = []
    append = FaissStore._append

    def noted(self: FaissStore, vectors: FloatArray) -> None:
        append(self, vectors)
        visible.append(self.row_count)

    monkeypatch.setattr(FaissStore, "_append", noted)
    store.add(unit_vectors(600, dimension=16))
    assert visible == [256, 512, 600]


@pytest.mark.parametrize(
    ("queries", "withdrawn", "by_matrix_product"),
    [(3, 512, False), (4, 512, True), (4, 513, False), (1, 0, True)],
)
def test_withdrawn_rows_are_fetched_too_while_that_keeps_the_matrix_product(
    queries: int, withdrawn: int, by_matrix_product: bool
) -> None:
    segment = Segment.reserve(0, EMBEDDING_DIM, 600)
    segment.index.add(unit_vectors(600))
    segment = segment.with_active(np.arange(withdrawn), active=False)
    selected: list[bool] = []

    class Noting:
        ntotal = 600

        def search(self, *arguments: Any, **options: Any) -> tuple[FloatArray, IntArray]:
            selected.append("params" in options)
            return index.search(*arguments, **options)

    index = segment.index
    segment = replace(segment, index=cast("faiss.IndexFlatIP", Noting()))
    _, rows = segment.best(unit_vectors(queries, seed=1), 5)
    assert selected == [not by_matrix_product]
    assert not np.isin(rows, np.arange(withdrawn)).any()


def test_ties_at_the_edge_are_looked_for_among_eight_more_rows_and_then_eight_times_as_many() -> None:
    segment = Segment.reserve(0, 16, 2000)
    segment.index.add(unit_vectors(2000, dimension=16))
    fetched: list[int] = []

    class Noting:
        ntotal = 2000

        def search(self, queries: FloatArray, count: int) -> tuple[FloatArray, IntArray]:
            fetched.append(count)
            return index.search(queries, count)

    index = segment.index
    segment = replace(segment, index=cast("faiss.IndexFlatIP", Noting()))
    segment.best(unit_vectors(1, seed=1, dimension=16), 10)
    assert fetched == [18]
    fetched.clear()
    segment.best(np.zeros((1, 16), np.float32), 10)  # ties with every row
    assert fetched == [18, 144, 1152, 2000]


def test_faiss_takes_the_matrix_product_from_four_queries_on() -> None:
    assert faiss.cvar.distance_compute_blas_threshold == 4 * EMBEDDING_DIM


@pytest.mark.parametrize(("distance", "kept"), [(0.9e-5, [0, 1]), (1.1e-5, [0, -1])])
def test_rows_that_rounding_may_have_ordered_stay_in_question(distance: float, kept: list[int]) -> None:
    rough = np.array([[0.5, 0.5 - distance, 0.2], [0.7, 0.7, 0.2]], np.float32)
    rows = np.array([[0, 1, 2], [3, 4, 5]])
    assert finalists(rough, rows, 1).tolist() == [kept, [3, 4]]


def run_under_threads(kind: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(Path(__file__).with_name("index_under_threads.py")), kind],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("kind", ["locked", "store"])
def test_searches_during_appends_are_sound_under_the_lock(kind: str) -> None:
    result = run_under_threads(kind)
    assert (result.returncode, result.stdout) == (0, "sound\n"), result.stderr


def test_control_searches_during_appends_without_the_lock_crash_or_answer_wrongly() -> None:
    # a crash is certain only in the long run, and one in three runs is enough to show the danger
    results = [run_under_threads("unlocked") for _ in range(3)]
    assert any(result.returncode != 0 or result.stdout != "sound\n" for result in results)
