"""Hints reach the replicas of this process and of others; whatever goes wrong with them costs only time."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import transaction

from recognition.engine.gallery import Gallery
from recognition.index import hints
from recognition.index.hints import INDEX_GROUP, HintListener, index_changed, subscribe, unsubscribe
from recognition.index.replica import Replica
from tests.waiting import until

WAIT_S, SILENT_S = 20.0, 3.0


class Following:
    """A replica that notes its hints, and takes its time."""

    def __init__(self, *, is_running: bool = True, takes_s: float = 0.0) -> None:
        self.is_running = is_running
        self.takes_s = takes_s
        self.now_s = [0.0]
        self.hinted: list[int] = []
        self.waits: list[tuple[int, float]] = []

    def hint(self, seq: int) -> None:
        self.hinted.append(seq)

    def wait_for(self, seq: int, *, timeout_s: float) -> bool:
        self.waits.append((seq, timeout_s))
        self.now_s[0] += self.takes_s
        return True


@pytest.fixture
def replicas(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Following]]:
    """Subscribe three replicas on one clock, the second of which has stopped."""
    made = [Following(takes_s=0.5), Following(is_running=False), Following()]
    now_s = [1000.0]
    monkeypatch.setattr(hints, "time", SimpleNamespace(monotonic=lambda: now_s[0]))
    for each in made:
        each.now_s = now_s
        subscribe(each)
    yield made
    for each in made:
        unsubscribe(each)


@pytest.mark.django_db(transaction=True)
def test_the_replicas_of_this_process_are_waited_for_at_most_two_seconds_together(
    replicas: list[Following],
) -> None:
    with transaction.atomic():
        index_changed(seq=7)
        assert [each.hinted for each in replicas] == [[], [], []]
    assert [each.hinted for each in replicas] == [[7], [], [7]]
    assert [each.waits for each in replicas] == [[(7, 2.0)], [], [(7, 1.5)]]


@pytest.mark.django_db(transaction=True)
def test_control_a_change_that_is_rolled_back_is_not_hinted(replicas: list[Following]) -> None:
    def fail() -> None:
        with transaction.atomic():
            index_changed(seq=7)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert [each.hinted for each in replicas] == [[], [], []]


@pytest.mark.django_db(transaction=True)
def test_a_replica_that_fails_fails_no_registration(
    replicas: list[Following], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(replicas[0], "hint", lambda seq: 1 / 0)
    with transaction.atomic():
        index_changed(seq=7)
    assert "ZeroDivisionError" in caplog.text


def test_unsubscribing_twice_is_harmless(replicas: list[Following]) -> None:
    unsubscribe(replicas[0])
    unsubscribe(replicas[0])
    assert [each in hints._subscribers for each in replicas] == [False, True, True]


@pytest.mark.django_db(transaction=True)
def test_a_gallery_is_subscribed_while_it_runs(shop_folder: object) -> None:
    gallery = Gallery()
    assert gallery.replica not in hints._subscribers
    gallery.start()
    assert gallery.replica in hints._subscribers
    gallery.stop()
    assert gallery.replica not in hints._subscribers


def test_the_log_is_read_once_a_second_without_hints(
    shop_folder: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Replica, "catch_up", lambda self: None)
    assert Gallery().replica.work() == 1.0
    assert Gallery(poll_s=0.25).replica.work() == 0.25
    assert Replica(visual_weight=0.7)._retry_s == Replica(visual_weight=0.7, poll_s=3600.0)._retry_s == 1.0


class Layer:
    """A channel layer in memory that fails as often as it is told to."""

    def __init__(self, failures: int = 0) -> None:
        self.failures = failures
        self.groups: list[str] = []
        self.arrived: asyncio.Queue[dict[str, Any]] | None = None
        self.hint_with: int | None = None

    async def new_channel(self) -> str:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("no Redis")
        return "channel"

    async def group_add(self, group: str, channel: str) -> None:
        self.groups.append(group)

    async def group_discard(self, group: str, channel: str) -> None:
        self.groups.append(f"left {group}")

    async def receive(self, channel: str) -> dict[str, Any]:
        if self.hint_with is not None:
            seq, self.hint_with = self.hint_with, None
            return {"seq": seq}
        await asyncio.Event().wait()
        raise AssertionError


@pytest.fixture
def layer(monkeypatch: pytest.MonkeyPatch) -> Layer:
    made = Layer()
    monkeypatch.setattr(hints, "get_channel_layer", lambda: made)
    monkeypatch.setattr(hints, "ChannelLayerManager", lambda: {"default": made})
    return made


def test_a_hint_of_another_process_is_passed_on_and_stopping_leaves_the_group(layer: Layer) -> None:
    layer.hint_with = 12
    hinted: list[int] = []
    listener = HintListener(hinted.append)
    listener.start()
    until(lambda: hinted == [12])
    assert listener.wait_until_listening(timeout_s=WAIT_S)
    listener.stop()
    assert not listener.is_running
    assert not listener.wait_until_listening(timeout_s=0.0)
    assert layer.groups[-1] == f"left {INDEX_GROUP}"


def test_a_layer_that_is_away_is_tried_every_five_seconds_and_warned_about_once(
    layer: Layer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    layer.failures = 3
    pauses_s: list[float] = []
    listener = HintListener(lambda seq: None)
    monkeypatch.setattr(listener._stopping, "wait", pauses_s.append)
    listener.start()
    assert listener.wait_until_listening(timeout_s=WAIT_S)
    assert listener.health == "well"
    listener.stop()
    assert pauses_s == [5.0, 5.0, 5.0]
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert warnings == ["no hints from other processes; polling goes on"]


def test_the_membership_of_the_group_is_renewed_every_hour(
    layer: Layer, monkeypatch: pytest.MonkeyPatch
) -> None:
    timeouts_s: list[float] = []
    wait = asyncio.wait

    async def wait_briefly(tasks: Any, *, timeout: float, return_when: str) -> Any:  # noqa: ASYNC109
        timeouts_s.append(timeout)
        return await wait(tasks, timeout=0.01, return_when=return_when)

    patched = SimpleNamespace(**{**vars(asyncio), "wait": wait_briefly})
    monkeypatch.setattr(hints, "asyncio", patched)
    listener = HintListener(lambda seq: None)
    listener.start()
    until(lambda: layer.groups.count(INDEX_GROUP) >= 3)
    listener.stop()
    assert set(timeouts_s) == {3600.0}


def test_without_a_layer_between_processes_nobody_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hints, "get_channel_layer", lambda: None)
    listener = HintListener(lambda seq: None)
    listener.start()
    assert not listener.is_running
    listener.stop()
    assert "index-hints" not in [thread.name for thread in threading.enumerate()]


class DeafLayer:
    """A channel layer whose client loses the first cancellations."""

    async def new_channel(self) -> str:
        return "mine"

    async def group_add(self, group: str, channel: str) -> None:
        """Nothing to join."""

    group_discard = group_add

    async def receive(self, channel: str) -> dict[str, Any]:
        for _ in range(3):
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(SILENT_S)
        return {}


def listening_ends(monkeypatch: pytest.MonkeyPatch) -> bool:
    """Return whether a listener on such a layer has ended a second after it was told to, once it has."""
    monkeypatch.setattr(hints, "_layer_joins_processes", lambda: True)
    monkeypatch.setattr(hints, "ChannelLayerManager", lambda: {"default": DeafLayer()})
    listener = HintListener(lambda seq: None)
    listener.start()
    assert listener.wait_until_listening(timeout_s=WAIT_S)
    stopping = threading.Thread(target=listener.stop, daemon=True)
    stopping.start()
    stopping.join(1)
    has_ended = not stopping.is_alive()
    stopping.join(WAIT_S)
    return has_ended


def test_listening_ends_where_cancellations_get_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    assert listening_ends(monkeypatch)


def test_control_with_one_cancellation_it_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    async def cancel(tasks: list[asyncio.Task[Any]]) -> None:
        for task in tasks:
            task.cancel()

    monkeypatch.setattr(hints, "tasks_end", cancel)
    assert not listening_ends(monkeypatch)
