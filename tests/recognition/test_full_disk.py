"""A disk that is full or read-only, at every step that writes: it is said, and nothing is half there."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.test import Client

from accounts.models import User
from catalog.models import Product
from ebrcs.storage import StorageFull, StorageNotWritable
from recognition import services
from recognition.engine.engine import Engine
from recognition.index.files import IndexFiles
from recognition.index.writer_lock import IndexWriter
from recognition.photos import files as photo_files
from recognition.photos import intake
from recognition.vision.store import generation_files, generations
from tests.recognition.pictures import photo_bytes, picture, upload
from tests.recognition.test_api import Caller
from tests.recognition.test_services import assert_nothing_there, files_in
from tests.waiting import until

ERRORS = {
    errno.ENOSPC: StorageFull,
    errno.EDQUOT: StorageFull,
    errno.EROFS: StorageNotWritable,
}
PHOTO_STEPS: list[tuple[Any, str]] = [
    (Path, "mkdir"),
    (Path, "write_bytes"),
    (photo_files, "file_sync"),
    (Path, "chmod"),
    (Path, "replace"),
    (photo_files, "folder_sync"),
]
INDEX_STEPS: list[tuple[Any, str]] = [
    (tempfile, "mkdtemp"),
    (generation_files, "file_sync"),
    (generation_files, "_save_array"),
    (Path, "write_bytes"),
    (Path, "rename"),
    (Path, "write_text"),
    (Path, "replace"),
    (generations, "folder_sync"),
]


def failing(owner: Any, name: str, number: int, *, after: int = 0) -> Any:
    """Let a function fail with an error of the disk, after so many calls that succeed."""
    real: Callable[..., Any] = getattr(owner, name)
    left = [after]

    def call(*args: Any, **options: Any) -> Any:
        if left[0] == 0:
            raise OSError(number, os.strerror(number))
        left[0] -= 1
        return real(*args, **options)

    return mock.patch.object(owner, name, call)


@pytest.fixture
def quiet_engine(engine: Engine) -> Engine:
    """Return an engine that saves no files meanwhile: the steps that fail are those of the test."""
    engine.gallery.snapshots.stop()
    return engine


@pytest.mark.parametrize("number", ERRORS)
@pytest.mark.parametrize(("owner", "name"), PHOTO_STEPS)
def test_registering_on_a_disk_without_room_stores_nothing(
    quiet_engine: Engine, shop_folder: Path, owner: Any, name: str, number: int
) -> None:
    uploads = [upload(1), upload(2)]
    for after in (0, 1):
        with failing(owner, name, number, after=after), pytest.raises(ERRORS[number]) as caught:
            services.product_register(name="Milk", uploads=uploads)
        assert os.strerror(number) in caught.value.detail
        assert_nothing_there(shop_folder)
        assert not list((shop_folder / "media").glob("products/*"))
    made = services.product_register(name="Milk", uploads=uploads)
    assert made.total_embeddings == 2
    with failing(owner, name, number), pytest.raises(ERRORS[number]):
        services.product_images_add(product_id=made.product.pk, uploads=[upload(3)])
    assert len(files_in(shop_folder)) == 2
    assert quiet_engine.recognize([picture(1)], at_least_seq=2).decisions[0].state == "accepted"


def test_control_files_that_are_not_taken_back_stay(quiet_engine: Engine, shop_folder: Path) -> None:
    with (
        mock.patch.object(intake, "_files_take_back"),
        failing(Path, "replace", errno.ENOSPC, after=1),
        pytest.raises(StorageFull),
    ):
        services.product_register(name="Milk", uploads=[upload(1), upload(2)])
    assert len(files_in(shop_folder)) == 2


def full_database() -> OperationalError:
    """Return what Django raises where PostgreSQL has no disk space left."""
    error = OperationalError("could not extend file")
    error.__cause__ = type("DiskFull", (Exception,), {"sqlstate": "53100"})()
    return error


def test_a_database_without_room_stores_nothing_either(quiet_engine: Engine, shop_folder: Path) -> None:
    with (
        mock.patch.object(IndexWriter, "rows_add", side_effect=full_database()),
        pytest.raises(StorageFull, match="The database has no disk space left"),
    ):
        services.product_register(name="Milk", uploads=[upload(1)])
    assert_nothing_there(shop_folder)


def test_the_api_answers_507_or_503_with_the_reason(
    quiet_engine: Engine, shop_folder: Path, keeper: User, client: Client
) -> None:
    caller = Caller(keeper)

    def register() -> Any:
        image = SimpleUploadedFile("1.png", photo_bytes(1), "image/png")
        return caller.post("/api/products", {"name": "Milk", "images": [image]})

    for number, status, code in (
        (errno.ENOSPC, 507, "storage_full"),
        (errno.EROFS, 503, "storage_not_writable"),
    ):
        with failing(Path, "write_bytes", number):
            answer = register()
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert os.strerror(number) in answer.json()["detail"]
        assert str(shop_folder) not in answer.content.decode()
        assert_nothing_there(shop_folder)
    caller.raise_request_exception = False
    with (
        mock.patch("ebrcs.storage.storage_refusal", return_value=None),
        mock.patch("ebrcs.api.exceptions.storage_refusal", return_value=None),
        failing(Path, "write_bytes", errno.ENOSPC),
    ):
        assert register().status_code == 500, "control: unnamed, it is an internal error"
    assert register().status_code == 201


def test_django_admin_shows_the_reason(quiet_engine: Engine, keeper: User, client: Client) -> None:
    client.force_login(keeper)
    form = {
        "name": "Milk",
        "photos": SimpleUploadedFile("1.png", photo_bytes(1)),
        "images-TOTAL_FORMS": 0,
        "images-INITIAL_FORMS": 0,
    }
    with failing(Path, "write_bytes", errno.ENOSPC):
        answer = client.post("/admin/catalog/product/add/", form)
    assert answer.status_code == 200
    assert "The disk is full (No space left on device)." in answer.content.decode()
    assert Product.objects.count() == 0


@pytest.mark.parametrize(("owner", "name"), INDEX_STEPS)
def test_index_files_that_find_no_room_leave_nothing_and_harm_nobody(
    quiet_engine: Engine, shop_folder: Path, owner: Any, name: str
) -> None:
    services.product_register(name="Milk", uploads=[upload(1)])
    assert IndexFiles().save()
    before = sorted(path.name for path in (shop_folder / "index").iterdir())
    services.product_register(name="Tea", uploads=[upload(2)])
    with failing(owner, name, errno.ENOSPC), pytest.raises(OSError, match="No space left on device"):
        IndexFiles().save()
    left = {path.name for path in (shop_folder / "index").iterdir()} - set(before)
    # renamed before CURRENT could be written, it is whole, and unused
    assert left <= {"gen-2"}
    assert IndexFiles().status().problem == ""
    assert IndexFiles().status().applied_seq == 1
    assert IndexFiles().save()
    assert IndexFiles().status().applied_seq == 2


def test_control_half_written_index_files_would_stay(quiet_engine: Engine, shop_folder: Path) -> None:
    services.product_register(name="Milk", uploads=[upload(1)])
    with (
        mock.patch.object(generations.GenerationStore, "_partial_remove"),
        failing(generation_files, "file_sync", errno.ENOSPC),
        pytest.raises(OSError, match="No space"),
    ):
        IndexFiles().save()
    assert list((shop_folder / "index").glob(".partial-*"))


def test_the_writer_of_index_files_goes_on_and_reports(engine: Engine, shop_folder: Path) -> None:
    with failing(generation_files, "file_sync", errno.ENOSPC):
        services.product_register(name="Milk", uploads=[upload(1)])
        warning = "The index files cannot be written: [Errno 28] No space left on device."
        until(lambda: warning in engine.state().warnings)
        assert engine.gallery.snapshots.is_running
        assert engine.state().ready
