from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import faiss
import numpy as np
import pytest

from recognition.vision.encoders.layout import fuse
from recognition.vision.evaluation import index_benchmark
from recognition.vision.evaluation.index_benchmark import benchmark_index


def test_the_benchmark_reports_every_figure_for_each_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_benchmark, "STALL_TRIALS", 1)
    monkeypatch.setattr(index_benchmark, "STALL_SLICE_S", 0.01)
    monkeypatch.setattr(index_benchmark, "APPENDS", 5)
    lines: list[str] = []
    metrics = benchmark_index((40, 20), report=lines.append)
    assert [row["n"] for row in metrics["rows"]] == [20, 40]
    for row in metrics["rows"]:
        assert set(row) == {
            "n",
            "append_ms",
            "append_p95_ms",
            "rebuild_ms",
            "rebuild_in_memory_ms",
            "search_ms",
            "reader_stall_ms",
            "speedup",
            "speedup_in_memory",
        }
        assert all(row[name] > 0 for name in ("append_ms", "rebuild_ms", "search_ms"))
        assert row["reader_stall_ms"] >= 0
    assert metrics["append_flatness"] > 0
    assert set(metrics) == {"rows", "append_flatness", "machine", "versions"}
    assert lines[0] == "drawing 40 random embeddings"


def test_a_rebuild_is_timed_with_its_files_and_in_memory_without_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """On a clock that only reading (1 s a file), building (10 s) and writing (100 s a file) move on."""
    now_s = [0.0]

    def taking(seconds: float, work: Any) -> Any:
        def timed(*arguments: Any) -> Any:
            now_s[0] += seconds
            return work(*arguments)

        return timed

    monkeypatch.setattr(np, "load", taking(1.0, np.load))
    monkeypatch.setattr(index_benchmark, "fuse", taking(10.0, fuse))
    monkeypatch.setattr(np, "save", taking(100.0, np.save))
    monkeypatch.setattr(faiss, "write_index", taking(100.0, faiss.write_index))
    monkeypatch.setattr(index_benchmark, "time", SimpleNamespace(perf_counter=lambda: now_s[0]))
    embeddings = index_benchmark._random_embeddings(20)
    assert index_benchmark._rebuild_ms(embeddings) == (312_000.0, 10_000.0)


def test_speedups_compare_rebuilding_with_appending(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(index_benchmark, "_append_ms", lambda stores: [[0.2, 0.1, 0.3], [0.4, 0.5, 0.6]])
    monkeypatch.setattr(index_benchmark, "_search_ms", lambda store: 1.0)
    monkeypatch.setattr(index_benchmark, "_stall_ms", lambda store: -0.1)
    monkeypatch.setattr(index_benchmark, "_rebuild_ms", lambda embeddings: (float(len(embeddings)), 5.0))
    metrics = benchmark_index((40, 20))
    assert [(row["append_ms"], row["speedup"], row["speedup_in_memory"]) for row in metrics["rows"]] == [
        (0.2, 100, 25),
        (0.5, 80, 10),
    ]
    assert metrics["append_flatness"] == 2.5
    assert [row["reader_stall_ms"] for row in metrics["rows"]] == [0.0, 0.0]
