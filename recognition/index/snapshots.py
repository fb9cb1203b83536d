"""Writing the index files in the background, soon after the last change and never in anyone's way."""

from __future__ import annotations

import logging
import threading
import time

from django.db import connection

from recognition.index.files import IndexFiles

logger = logging.getLogger(__name__)

QUIET_S = 2.0
LONGEST_S = 30.0
REST_FACTOR = 10
"""Pause after a save, in units of what it took: files of 100,000 rows are a gigabyte to write."""


class SnapshotKeeper:
    """A thread that saves the files once changes have paused, or after half a minute of changes.

    Of several processes on a machine one writes; the others find it done.
    """

    def __init__(self, files: IndexFiles, *, quiet_s: float = QUIET_S, longest_s: float = LONGEST_S) -> None:
        self.files = files
        self.failure = ""
        self._quiet_s = quiet_s
        self._longest_s = longest_s
        self._changed = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="index-snapshots", daemon=True)

    def start(self) -> None:
        """Begin to wait for changes."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; waits for files half written."""
        self._stopping.set()
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join()

    def changed(self) -> None:
        """Note that the files are behind."""
        self._changed.set()

    def _run(self) -> None:
        while self._changed.wait() and not self._stopping.is_set():
            self._wait_for_quiet()
            if self._stopping.is_set():
                break
            start = time.monotonic()
            try:
                self.files.save()
                self.failure = ""
                self._stopping.wait(REST_FACTOR * (time.monotonic() - start))
            except Exception as error:
                if not self.failure:
                    logger.exception("the index files cannot be written; the next start will be slower")
                self.failure = str(error) or type(error).__name__
                self._stopping.wait(self._longest_s)
                self._changed.set()
            finally:
                connection.close()  # the next save may be hours away

    def _wait_for_quiet(self) -> None:
        deadline = time.monotonic() + self._longest_s
        while self._changed.is_set() and time.monotonic() < deadline and not self._stopping.is_set():
            self._changed.clear()
            self._stopping.wait(self._quiet_s)
