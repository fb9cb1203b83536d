"""What this process measures for Prometheus: the instruments; `ebrcs.monitoring.metrics_page` shows them.

Light on purpose: every room may import it, and none of the rooms is imported here. A process measures itself
alone, so each process is a target of its own.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

SECONDS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Buckets from a search among a thousand rows to ViT-L on a busy processor, three a decade."""

PICTURES = (1, 2, 4, 8, 16, 32)
OUTCOMES = ("answered", "refused", "late", "dropped")
LATE = "late_frame"

# When a counter began would double the samples, and no query here asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]  # the library leaves it untyped
REGISTRY = CollectorRegistry()
ProcessCollector(registry=REGISTRY)
PlatformCollector(registry=REGISTRY)

QUEUE_PICTURES = Gauge(
    "ebrcs_queue_pictures", "Pictures that wait for the encoder in this process.", registry=REGISTRY
)
BATCH_PICTURES = Histogram(
    "ebrcs_batch_pictures", "Pictures embedded in one batch.", registry=REGISTRY, buckets=PICTURES
)
EMBED_SECONDS = Histogram(
    "ebrcs_embed_seconds", "Time to embed one batch.", registry=REGISTRY, buckets=SECONDS
)
SEARCH_SECONDS = Histogram(
    "ebrcs_search_seconds",
    "Time to search for one batch and decide on it.",
    registry=REGISTRY,
    buckets=SECONDS,
)
VERIFY_SECONDS = Histogram(
    "ebrcs_verify_seconds",
    "Time to compare one item with stored photos by local features.",
    registry=REGISTRY,
    buckets=SECONDS,
)
ANSWER_SECONDS = Histogram(
    "ebrcs_answer_seconds",
    "Time from the arrival of an answered frame to its answer.",
    registry=REGISTRY,
    buckets=SECONDS,
)
FRAMES = Counter(
    "ebrcs_frames",
    "Frames by outcome: answered, refused with an error, too late to look at, dropped for a newer one.",
    ["outcome"],
    registry=REGISTRY,
)
OPEN_SOCKETS = Gauge("ebrcs_open_sockets", "Open checkout sockets of this process.", registry=REGISTRY)
LANES_CONNECTED = Gauge(
    "ebrcs_lanes_connected", "Lanes whose page is connected to this process.", registry=REGISTRY
)
for outcome in OUTCOMES:  # a rate needs the zero from which it rises
    FRAMES.labels(outcome)


def batch_count(*, pictures: int, searched: bool, timing_ms: Mapping[str, float]) -> None:
    """Count one batch of the engine; `timing_ms` holds the milliseconds of its `embed` and its `search`."""
    BATCH_PICTURES.observe(pictures)
    EMBED_SECONDS.observe(timing_ms["embed"] / 1000)
    if searched:
        SEARCH_SECONDS.observe(timing_ms["search"] / 1000)


def frame_count(*, code: object, answer_s: float, dropped: int) -> None:
    """Count one frame that has had its answer, and those dropped since the one before.

    Parameters
    ----------
    code : of the error it was answered with; empty for a result
    answer_s : seconds since it came in
    """
    if code:
        FRAMES.labels("late" if code == LATE else "refused").inc()
    else:
        FRAMES.labels("answered").inc()
        ANSWER_SECONDS.observe(answer_s)
    FRAMES.labels("dropped").inc(dropped)


class ReplicaLag(Collector):
    """How far the index of this process is behind the log; no samples before the first look at the log."""

    def __init__(self) -> None:
        self._behind: int | None = None
        self._level_s: float | None = None

    def note(self, *, last_seq: int, applied_seq: int) -> None:
        """Note how far the log reaches and how far it has been applied, as seen by the replica just now."""
        self._behind = max(0, last_seq - applied_seq)
        if not self._behind:
            self._level_s = time.monotonic()

    def collect(self) -> Iterator[Metric]:
        """Yield the lag in entries and in seconds."""
        seq = GaugeMetricFamily(
            "ebrcs_replica_lag_seq", "Entries of the index log that this process has not applied."
        )
        if self._behind is not None:
            seq.add_metric([], self._behind)
        yield seq
        seconds = GaugeMetricFamily(
            "ebrcs_replica_lag_seconds",
            "Time since this process had applied the whole index log; some 1 s at most while all is well.",
        )
        if self._level_s is not None:
            seconds.add_metric([], time.monotonic() - self._level_s)
        yield seconds


replica_lag = ReplicaLag()
REGISTRY.register(replica_lag)
