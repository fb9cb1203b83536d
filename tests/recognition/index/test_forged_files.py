"""Files that nobody with the secret key wrote, and files that are gone: rebuilt, and said so."""

from __future__ import annotations

import shutil
from functools import partial
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from recognition.engine.gallery import Gallery
from recognition.index.files import IndexFiles, index_key
from recognition.vision.store.generation_files import manifest_sign
from tests.recognition.index.test_files import answers, folder, loaded
from tests.recognition.vision.store.forgeries import FORGERIES, WRONG_ANSWERS, Forgery, forge

__all__ = ["folder"]  # the fixture


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_files_are_rebuilt_and_the_answers_are_the_same(
    folder: Path, forgery: Forgery, caplog: pytest.LogCaptureFixture
) -> None:
    expected = answers(loaded(IndexFiles()))
    forge(folder, forgery)
    files = IndexFiles()
    assert answers(loaded(files)) == expected
    assert "not signed with the secret key in use" in files.rebuilt_because
    assert "not signed with the secret key in use): rebuilt from the database, 4 rows" in caplog.text
    assert "not signed" in files.status().problem
    assert files.save()
    assert files.status().problem == ""
    assert answers(loaded(IndexFiles())) == expected


@pytest.mark.parametrize("forgery", WRONG_ANSWERS)
def test_control_signed_with_the_secret_key_they_give_wrong_answers(folder: Path, forgery: Forgery) -> None:
    expected = answers(loaded(IndexFiles()))
    forge(folder, forgery, sign=partial(manifest_sign, key=index_key()))
    files = IndexFiles()
    assert answers(loaded(files)) != expected
    assert files.rebuilt_because == ""


def test_a_changed_secret_key_means_to_rebuild(
    folder: Path, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    expected = answers(loaded(IndexFiles()))
    settings.SECRET_KEY = "another-" * 8
    files = IndexFiles()
    assert answers(loaded(files)) == expected
    assert "not signed with the secret key in use): rebuilt" in caplog.text
    assert files.save()
    assert files.status().problem == ""


def test_a_folder_that_is_gone_is_rebuilt_and_said(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    expected = answers(loaded(IndexFiles()))
    assert caplog.text == ""
    shutil.rmtree(folder)
    gallery = Gallery()
    gallery.replica.catch_up()
    assert gallery.replica.view is not None
    assert answers(gallery.replica.view) == expected
    assert "the index files cannot be used (there are none): rebuilt from the database" in caplog.text
    assert gallery.warnings == ["The index files could not be used: there are none."]
    assert IndexFiles().status().problem == "there are none"


@pytest.mark.django_db
def test_a_shop_without_photos_has_no_files_to_miss(
    shop_folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    files = IndexFiles()
    assert files.load().store.row_count == 0
    assert (files.rebuilt_because, caplog.text) == ("", "")
