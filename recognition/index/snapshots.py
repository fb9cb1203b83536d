"""Writes the index files in the background, soon after the last change and never in anyone's way."""

from __future__ import annotations

import time

from ebrcs.background import Worker
from recognition.index.files import IndexFiles

QUIET_S = 2.0
LONGEST_S = 30.0
REST_FACTOR = 10
"""Pause after a save, in units of what it took: files of 100,000 rows are a gigabyte to write."""


class SnapshotKeeper(Worker):
    """Saves the files once changes have paused, or after half a minute of changes.

    Of several processes on a machine one writes; the others find it done.

    Parameters
    ----------
    quiet_s : pause between changes that is waited for
    longest_s : longest wait for it, and the pause before another attempt after a failure
    """

    name = "index-snapshots"
    fails_message = "the index files cannot be written; the next start will be slower"

    def __init__(self, files: IndexFiles, *, quiet_s: float = QUIET_S, longest_s: float = LONGEST_S) -> None:
        super().__init__(retry_s=longest_s)
        self.files = files
        self._quiet_s = quiet_s
        self._longest_s = longest_s
        self._is_behind = False
        self._rest_ends_s = 0.0

    def changed(self) -> None:
        """Note that the files are behind."""
        with self._changed:
            self._is_behind = True
            self._changed.notify_all()

    def is_due(self) -> bool:
        """Whether the files are behind."""
        return self._is_behind

    def work(self) -> None:
        """Rest after the last save, wait until changes have paused, and save."""
        self._stopping.wait(max(0.0, self._rest_ends_s - time.monotonic()))
        self._wait_for_quiet()
        if self._stopping.is_set():
            return
        start_s = time.monotonic()
        try:
            self.files.save()
        except Exception:
            self._is_behind = True
            raise
        end_s = time.monotonic()
        self._rest_ends_s = end_s + REST_FACTOR * (end_s - start_s)

    def _wait_for_quiet(self) -> None:
        deadline_s = time.monotonic() + self._longest_s
        while self._is_behind and time.monotonic() < deadline_s and not self._stopping.is_set():
            self._is_behind = False
            self._stopping.wait(self._quiet_s)
