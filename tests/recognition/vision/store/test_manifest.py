"""A manifest is the very bytes that were written for its generation, in the format of this version."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from recognition.vision.store.generation_files import MANIFEST, manifest_sign
from recognition.vision.store.generations import CURRENT, GenerationDamaged, GenerationStore
from tests.recognition.vision.store.generation_writer import KEY
from tests.recognition.vision.store.test_generations import FINGERPRINT, assert_same, snapshot_of


@pytest.fixture
def store(tmp_path: Path) -> GenerationStore:
    store = GenerationStore(tmp_path / "index", key=KEY)
    store.write(snapshot_of(5))
    return store


def rewrite(store: GenerationStore, *, indent: int = 1, **changed: object) -> None:
    """Write the manifest of the live generation anew, with digests and a signature that fit."""
    path = store.root / store.current() / MANIFEST
    facts = {**json.loads(path.read_bytes()), **changed}
    del facts["digest"]
    digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
    forged = (json.dumps({**facts, "digest": digest}, indent=indent) + "\n").encode()
    path.write_bytes(forged)
    sha256, signature = hashlib.sha256(forged).hexdigest(), manifest_sign(forged, KEY)
    (store.root / CURRENT).write_text(f"{store.current()} {sha256} {signature}\n")


def test_the_format_on_disk_is_the_first(store: GenerationStore) -> None:
    assert json.loads((store.root / "gen-1" / MANIFEST).read_bytes())["format"] == 1


def test_what_was_written_anew_as_it_was_is_read(store: GenerationStore) -> None:
    rewrite(store)
    assert_same(store.load(fingerprint=FINGERPRINT), snapshot_of(5))


@pytest.mark.parametrize(
    "changed",
    [{"format": 0}, {"format": 2}, {"generation": "gen-0"}, {"generation": "gen-2"}, {"indent": 2}],
)
def test_another_format_another_generation_and_other_bytes_are_refused(
    store: GenerationStore, changed: dict[str, int]
) -> None:
    rewrite(store, **changed)
    with pytest.raises(GenerationDamaged, match=r"gen-1/manifest.json: is not the manifest of gen-1"):
        store.load(fingerprint=FINGERPRINT)
