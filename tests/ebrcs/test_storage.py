"""A full or read-only disk or database is told from other failures, and named."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

import pytest
from django.db import DatabaseError, OperationalError, connection
from django.test import Client
from pytest_django.fixtures import Settings

from ebrcs.api.exceptions import problem_of
from ebrcs.monitoring import health
from ebrcs.monitoring.health import Probe, storage_ask
from ebrcs.storage import storage_failures_named, storage_refusal


@pytest.mark.parametrize(
    ("number", "status", "code", "reason"),
    [
        (errno.ENOSPC, 507, "storage_full", "The disk is full (No space left on device)."),
        (errno.EDQUOT, 507, "storage_full", "The disk is full (Disk quota exceeded)."),
        (errno.EFBIG, 507, "storage_full", "The disk is full (File too large)."),
        (errno.EROFS, 503, "storage_not_writable", "The disk cannot be written to (Read-only file system)."),
        (errno.EACCES, 503, "storage_not_writable", "The disk cannot be written to (Permission denied)."),
        (
            errno.EPERM,
            503,
            "storage_not_writable",
            "The disk cannot be written to (Operation not permitted).",
        ),
        (errno.EIO, 503, "storage_not_writable", "The disk cannot be written to (Input/output error)."),
    ],
)
def test_an_error_of_the_disk_is_named(number: int, status: int, code: str, reason: str) -> None:
    problem = problem_of(OSError(number, os.strerror(number), "/a/path"))
    assert (problem.status, problem.code) == (status, code)
    assert problem.detail == reason


@pytest.mark.parametrize(
    "error", [OSError("no number"), FileNotFoundError(errno.ENOENT, "x"), ValueError("x")]
)
def test_other_errors_are_not_taken_for_it(error: Exception) -> None:
    assert storage_refusal(error) is None
    assert problem_of(error).status == 500
    with pytest.raises(type(error)) as caught, storage_failures_named():
        raise error
    assert caught.value is error


def sqlite_failure(path: Path, statement: str, *, read_only: bool = False) -> OperationalError:
    """Return what Django raises where SQLite fails like this."""
    mode = "?mode=ro" if read_only else ""
    with sqlite3.connect(f"file:{path}{mode}", uri=True) as database:
        database.execute("PRAGMA max_page_count=4")
        try:
            database.execute(statement)
        except sqlite3.OperationalError as cause:
            error = OperationalError(*cause.args)
            error.__cause__ = cause
            return error
    pytest.fail("SQLite did not fail")


def test_a_full_or_read_only_sqlite_database_is_named(tmp_path: Path) -> None:
    path = tmp_path / "shop.sqlite3"
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE photos (content BLOB)")
    database.close()
    insert = "INSERT INTO photos VALUES (zeroblob(100000))"
    full = problem_of(sqlite_failure(path, insert))
    assert (full.status, full.code) == (507, "storage_full")
    read_only = problem_of(sqlite_failure(path, insert, read_only=True))
    assert (read_only.status, read_only.code) == (503, "storage_not_writable")
    other = problem_of(sqlite_failure(path, "INSERT INTO orders VALUES (1)"))
    assert (other.status, other.code) == (503, "database_unavailable")


@pytest.mark.postgres
@pytest.mark.django_db
@pytest.mark.parametrize(
    ("sqlstate", "status", "code"), [("53100", 507, "storage_full"), ("25006", 503, "storage_not_writable")]
)
def test_a_full_or_read_only_postgresql_is_named(sqlstate: str, status: int, code: str) -> None:
    with pytest.raises(DatabaseError) as caught, connection.cursor() as cursor:
        cursor.execute(f"DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '{sqlstate}'; END $$")
    problem = problem_of(caught.value)
    assert (problem.status, problem.code) == (status, code)


def test_the_folders_are_written_to(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DATA_DIR, settings.MEDIA_ROOT = tmp_path, tmp_path / "not made yet"
    assert storage_ask() == ""
    assert list(tmp_path.iterdir()) == []

    def full(**options: object) -> object:
        raise OSError(errno.ENOSPC, "x")

    monkeypatch.setattr("tempfile.TemporaryFile", full)
    assert storage_ask() == "The disk is full (No space left on device)."


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("vendor", "status", "part"), [("postgresql", 200, "warnings"), ("sqlite", 503, "not_ready")]
)
def test_readiness_names_a_full_disk_and_fails_where_the_database_is_on_it(
    client: Client, monkeypatch: pytest.MonkeyPatch, vendor: str, status: int, part: str
) -> None:
    monkeypatch.setattr(health, "PROBES", [])
    monkeypatch.setattr(health, "recognition_reasons", list)
    monkeypatch.setattr(health, "worker_troubles", lambda: ({}, {}))
    monkeypatch.setattr(health, "STORAGE", Probe("storage", lambda: "The disk is full."))
    monkeypatch.setattr(connection, "vendor", vendor)
    answer = client.get("/readyz")
    assert answer.status_code == status
    assert answer.json()[part] == {"storage": "The disk is full."}
