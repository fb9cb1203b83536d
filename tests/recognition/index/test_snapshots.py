"""Files are written once changes pause, soon enough although they do not, and not again too soon."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from recognition.index import snapshots
from recognition.index.files import IndexFiles
from recognition.index.snapshots import SnapshotKeeper


class Saves:
    """Files that take some time to be written, on a clock of their own that waiting moves on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        self.takes_s = 0.0
        self.broken = False
        self.started_s: list[float] = []
        self.while_waiting: Callable[[], object] = lambda: None
        self.keeper = SnapshotKeeper(cast("IndexFiles", self))
        monkeypatch.setattr(snapshots, "time", SimpleNamespace(monotonic=lambda: self.now_s))
        monkeypatch.setattr(self.keeper._stopping, "wait", self.wait)

    def wait(self, seconds: float) -> bool:
        self.now_s += seconds
        if seconds:
            self.while_waiting()
        return False

    def save(self) -> bool:
        self.started_s.append(self.now_s - 1000.0)
        self.now_s += self.takes_s
        if self.broken:
            raise OSError("the disk is full")
        return True


@pytest.fixture
def files(monkeypatch: pytest.MonkeyPatch) -> Saves:
    return Saves(monkeypatch)


def test_nothing_is_written_without_a_change(files: Saves) -> None:
    assert not files.keeper.is_due()
    files.keeper.changed()
    assert files.keeper.is_due()
    files.keeper.work()
    assert not files.keeper.is_due()


def test_files_are_written_two_seconds_after_the_last_change(files: Saves) -> None:
    changes = iter([True, True, False])
    files.while_waiting = lambda: files.keeper.changed() if next(changes) else None
    files.keeper.changed()
    files.keeper.work()
    assert files.started_s == [6.0]


def test_files_are_written_after_half_a_minute_of_changes(files: Saves) -> None:
    files.while_waiting = files.keeper.changed
    files.keeper.changed()
    files.keeper.work()
    assert files.started_s == [30.0]
    assert files.keeper.is_due()


def test_files_are_not_written_again_before_ten_times_the_time_it_took(files: Saves) -> None:
    files.takes_s = 1.5
    for _ in range(2):
        files.keeper.changed()
        files.keeper.work()
    assert files.started_s == [2.0, 2.0 + 1.5 + 15.0 + 2.0]


def test_after_a_failure_half_a_minute_passes_whatever_changes(files: Saves) -> None:
    files.broken = True

    def stop_at_last() -> None:
        files.keeper.changed()
        if len(files.started_s) == 2:
            files.keeper._stopping.set()

    def one_change() -> None:
        if files.now_s in {1002.0, 1034.0}:
            return
        stop_at_last()

    files.while_waiting = one_change
    files.keeper.changed()
    files.keeper._run()
    assert files.started_s == [2.0, 34.0]
    assert files.keeper.failure == "the disk is full"


def test_what_failed_to_be_written_is_still_due(files: Saves) -> None:
    files.broken = True
    files.keeper.changed()
    with pytest.raises(OSError, match="full"):
        files.keeper.work()
    assert files.keeper.is_due()


def test_no_files_are_written_once_stopped(files: Saves) -> None:
    files.while_waiting = files.keeper._stopping.set
    files.keeper.changed()
    files.keeper.work()
    assert files.started_s == []


def test_the_pause_after_a_failure_follows_the_longest_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    keeper = SnapshotKeeper(cast("Any", None), longest_s=7.0)
    pauses_s: list[float] = []

    def note(seconds: float) -> bool:
        pauses_s.append(seconds)
        keeper._stopping.set()
        return True

    monkeypatch.setattr(keeper, "work", lambda: 1 / 0)
    monkeypatch.setattr(keeper._stopping, "wait", note)
    keeper.changed()
    keeper._run()
    assert pauses_s == [7.0]
