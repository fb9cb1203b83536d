"""Fingerprints, and the digests of large files that are not computed twice."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from recognition.vision.encoders.fingerprint import file_digest, fingerprint_of

PARTS = {"weights": "a", "preprocessing": "b", "projection": "c", "dtype": "d"}


def test_the_order_of_the_parts_does_not_matter() -> None:
    assert fingerprint_of(PARTS) == fingerprint_of(dict(reversed(PARTS.items())))
    assert len(fingerprint_of(PARTS)) == 64


@pytest.mark.parametrize("part", list(PARTS))
def test_every_part_matters(part: str) -> None:
    assert fingerprint_of({**PARTS, part: "other"}) != fingerprint_of(PARTS)


def test_text_cannot_move_from_one_part_to_the_next() -> None:
    assert fingerprint_of({"a": "xy", "b": "z"}) != fingerprint_of({"a": "x", "b": "yz"})


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "weights"
    path.write_bytes(b"one")
    return path


def test_a_files_digest_is_its_sha256(weights: Path) -> None:
    assert file_digest(weights, cache_path=None) == hashlib.sha256(b"one").hexdigest()


def test_an_unchanged_file_is_not_read_again(weights: Path, tmp_path: Path) -> None:
    cache_path = tmp_path / "new folder" / "digests.json"
    file_digest(weights, cache_path=cache_path)
    known = json.loads(cache_path.read_text("utf-8"))
    known[str(weights)][1] = "remembered"
    cache_path.write_text(json.dumps(known), encoding="utf-8")
    assert file_digest(weights, cache_path=cache_path) == "remembered"
    assert file_digest(weights, cache_path=None) == hashlib.sha256(b"one").hexdigest()


def test_a_file_of_another_time_or_size_is_read_again(weights: Path, tmp_path: Path) -> None:
    cache_path = tmp_path / "digests.json"
    file_digest(weights, cache_path=cache_path)
    facts = weights.stat()
    weights.write_bytes(b"two")
    os.utime(weights, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
    assert file_digest(weights, cache_path=cache_path) == hashlib.sha256(b"two").hexdigest()
    weights.write_bytes(b"three")
    os.utime(weights, ns=(facts.st_atime_ns, facts.st_mtime_ns + 1))
    assert file_digest(weights, cache_path=cache_path) == hashlib.sha256(b"three").hexdigest()


@pytest.mark.parametrize("rubbish", ["{", "[]", '{"PATH": 7}'])
def test_an_unreadable_cache_is_made_anew(weights: Path, tmp_path: Path, rubbish: str) -> None:
    cache_path = tmp_path / "digests.json"
    cache_path.write_text(rubbish.replace("PATH", str(weights)), encoding="utf-8")
    expected = hashlib.sha256(b"one").hexdigest()
    assert file_digest(weights, cache_path=cache_path) == expected
    assert json.loads(cache_path.read_text("utf-8"))[str(weights)][1] == expected


def test_a_cache_that_cannot_be_written_is_done_without(weights: Path, tmp_path: Path) -> None:
    (tmp_path / "a file").write_text("", encoding="utf-8")
    cache_path = tmp_path / "a file" / "digests.json"
    assert file_digest(weights, cache_path=cache_path) == hashlib.sha256(b"one").hexdigest()
