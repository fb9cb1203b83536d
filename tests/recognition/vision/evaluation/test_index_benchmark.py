from __future__ import annotations

import pytest

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
        assert row["rebuild_ms"] > row["rebuild_in_memory_ms"]
        assert row["reader_stall_ms"] >= 0
    assert metrics["append_flatness"] > 0
    assert set(metrics) == {"rows", "append_flatness", "machine", "versions"}
    assert lines[0] == "drawing 40 random embeddings"
