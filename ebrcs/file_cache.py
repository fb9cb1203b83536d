"""The cache of a shop without Redis: files, culled by expiry first, that hold JSON."""

from __future__ import annotations

import json
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.filebased import FileBasedCache


class FileCache(FileBasedCache):
    """Django's file-based cache with JSON for pickles, which run code when they are read.

    It also deletes expired entries before it culls valid ones. Django deletes an expired entry only when it
    is asked for, and nothing asks for the counter of a past minute. Once such entries fill the cache, Django
    culls a third of all at random: new tickets and counters of the current minute among them.

    A file holds the time of its expiry, or null, in the first line, and the value in the second. A file that
    holds anything else counts as expired.
    """

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        """Return the value of a key, or the default where there is none or it has expired."""
        name: str = self._key_to_file(key, version)  # type: ignore[attr-defined]  # not in the stubs
        with suppress(FileNotFoundError, ValueError), Path(name).open("rb") as file:
            if not self._is_expired(file):
                return json.loads(file.read())
        return default

    def touch(self, key: str, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        """Set another expiry; False where there is no such value."""
        value = self.get(key, self, version)
        if value is self:
            return False
        self.set(key, value, timeout, version)
        return True

    def _write_content(self, file: IO[bytes], timeout: Any, value: Any) -> None:
        lines = (self.get_backend_timeout(timeout), value)
        file.write(b"\n".join(json.dumps(line).encode() for line in lines))

    def _is_expired(self, file: IO[bytes]) -> bool:
        try:
            expiry = json.loads(file.readline())
        except ValueError:
            expiry = 0.0
        if expiry is None or (isinstance(expiry, int | float) and expiry >= time.time()):
            return False
        file.close()
        Path(file.name).unlink(missing_ok=True)
        return True

    def _cull(self) -> None:
        names = self._list_cache_files()  # type: ignore[attr-defined]
        if len(names) < self._max_entries:
            return
        for name in names:
            # Another process may have been faster with any of them.
            with suppress(OSError), Path(name).open("rb") as file:
                self._is_expired(file)
        super()._cull()  # type: ignore[misc]
