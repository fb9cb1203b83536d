"""Tells a disk or database that is full or cannot be written to from every other failure, and names it."""

from __future__ import annotations

import errno
import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

from django.db import DatabaseError

from ebrcs.errors import EbrcsError

logger = logging.getLogger(__name__)
FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))
NOT_WRITABLE = frozenset((errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO))
POSTGRES_DISK_FULL, POSTGRES_READ_ONLY = "53100", "25006"
SQLITE_CODE_BITS = 0xFF  # the bits above tell variants of an error apart


class StorageFull(EbrcsError):
    """There is no room left, on a disk or for the database; nothing was stored."""

    code: ClassVar[str] = "storage_full"
    status: ClassVar[int] = 507
    title: ClassVar[str] = "No storage space is left"


class StorageNotWritable(EbrcsError):
    """A disk or the database is there but cannot be written to; nothing was stored."""

    code: ClassVar[str] = "storage_not_writable"
    status: ClassVar[int] = 503
    title: ClassVar[str] = "The storage cannot be written to"


def storage_refusal(error: BaseException) -> EbrcsError | None:
    """Return what a failed write means to the caller; None for a failure of another kind."""
    if isinstance(error, OSError):
        reason = os.strerror(error.errno) if error.errno else ""
        if error.errno in FULL:
            return StorageFull(f"The disk is full ({reason}).")
        if error.errno in NOT_WRITABLE:
            return StorageNotWritable(f"The disk cannot be written to ({reason}).")
    if isinstance(error, DatabaseError):
        return _database_refusal(error.__cause__)
    return None


def _database_refusal(cause: BaseException | None) -> EbrcsError | None:
    state = getattr(cause, "sqlstate", None)
    code = getattr(cause, "sqlite_errorcode", 0) & SQLITE_CODE_BITS
    if state == POSTGRES_DISK_FULL or code == sqlite3.SQLITE_FULL:
        return StorageFull("The database has no disk space left.")
    if state == POSTGRES_READ_ONLY or code == sqlite3.SQLITE_READONLY:
        return StorageNotWritable("The database is read-only.")
    return None


@contextmanager
def storage_failures_named() -> Iterator[None]:
    """Refuse where a write in the block fails for want of storage, and log the trace."""
    try:
        yield
    except (OSError, DatabaseError) as error:
        refusal = storage_refusal(error)
        if refusal is None:
            raise
        logger.exception("%s", refusal.detail)
        raise refusal from error
