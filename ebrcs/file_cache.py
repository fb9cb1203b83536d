"""The cache of a shop without Redis: files, culled by expiry first."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from django.core.cache.backends.filebased import FileBasedCache


class FileCache(FileBasedCache):
    """Django's file-based cache, which deletes expired entries before it culls valid ones.

    Django deletes an expired entry only when it is asked for, and nothing asks for the counter of a past
    minute. Once such entries fill the cache, Django culls a third of all at random: new tickets and counters
    of the current minute among them.
    """

    def _cull(self) -> None:
        names = self._list_cache_files()  # type: ignore[attr-defined]  # the stubs leave these three out
        if len(names) < self._max_entries:
            return
        for name in names:
            # Another process may have been faster with any of them.
            with suppress(OSError), Path(name).open("rb") as file:
                self._is_expired(file)  # type: ignore[attr-defined]
        super()._cull()  # type: ignore[misc]
