"""Vectors kept between two runs of a rebuild: only those that were signed with the secret key."""

from __future__ import annotations

from pathlib import Path
from unittest import mock
from uuid import uuid4

import numpy as np
import pytest
from pytest_django.fixtures import Settings

from recognition.index import embedding_file
from recognition.index.embedding_file import CHECK_BYTES, ID_BYTES, RECORD_BYTES, EmbeddingFile
from recognition.vision.encoders.layout import EMBEDDING_DIM

IDS = [uuid4() for _ in range(3)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "rebuild" / "vectors.bin"
    EmbeddingFile(path).append(IDS, np.arange(3 * EMBEDDING_DIM, dtype=np.float32).reshape(3, -1))
    return path


def test_signed_records_are_read_back(path: Path) -> None:
    read = EmbeddingFile(path)
    assert [image_id in read for image_id in IDS] == [True, True, True]
    vector = np.frombuffer(read[IDS[1]], "<f4")
    assert vector.tolist() == list(range(EMBEDDING_DIM, 2 * EMBEDDING_DIM))


def test_a_forged_record_and_what_follows_it_are_embedded_again(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[RECORD_BYTES + ID_BYTES] ^= 1
    path.write_bytes(content)
    assert [image_id in EmbeddingFile(path) for image_id in IDS] == [True, False, False]
    with mock.patch.object(embedding_file, "constant_time_compare", return_value=True):
        assert IDS[1] in EmbeddingFile(path), "control: without the signature it is taken"


def test_records_of_another_secret_key_are_not_used(path: Path, settings: Settings) -> None:
    assert CHECK_BYTES == 32
    settings.SECRET_KEY = "another-" * 8
    assert [image_id in EmbeddingFile(path) for image_id in IDS] == [False, False, False]
