"""What the key did not sign is not even parsed."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from unittest import mock

import pytest

from recognition.vision.store import generation_files
from recognition.vision.store.generation_files import MANIFEST, manifest_sign
from recognition.vision.store.generations import CURRENT, GenerationDamaged, GenerationStore
from tests.recognition.vision.store.forgeries import FORGERIES, WRONG_ANSWERS, Forgery, forge
from tests.recognition.vision.store.generation_writer import KEY
from tests.recognition.vision.store.test_generations import FINGERPRINT, assert_same, snapshot_of

UNSIGNED = "manifest.json: is not signed with the secret key in use"


@pytest.fixture
def store(tmp_path: Path) -> GenerationStore:
    store = GenerationStore(tmp_path / "index", key=KEY)
    store.write(snapshot_of(6))
    return store


@pytest.mark.parametrize("forgery", FORGERIES)
def test_forged_files_are_refused_before_anything_reads_them(
    store: GenerationStore, forgery: Forgery
) -> None:
    forge(store.root, forgery)
    with (
        mock.patch.object(generation_files, "np", None),
        mock.patch.object(generation_files, "faiss", None),
        mock.patch.object(generation_files, "json", None),
    ):
        with pytest.raises(GenerationDamaged, match=f"gen-1/{UNSIGNED}"):
            store.load(fingerprint=FINGERPRINT)
        assert [str(problem) for problem in store.verify()] == [UNSIGNED]


@pytest.mark.parametrize("forgery", WRONG_ANSWERS)
def test_control_signed_by_whoever_forged_them_they_are_believed(
    store: GenerationStore, forgery: Forgery
) -> None:
    forge(store.root, forgery, sign=partial(manifest_sign, key=KEY))
    with pytest.raises(AssertionError):
        assert_same(store.load(fingerprint=FINGERPRINT), snapshot_of(6))


@pytest.mark.parametrize("forgery", [each for each in FORGERIES if each not in WRONG_ANSWERS])
def test_what_does_not_read_is_damage_even_where_it_is_signed(
    store: GenerationStore, forgery: Forgery
) -> None:
    forge(store.root, forgery, sign=partial(manifest_sign, key=KEY))
    with pytest.raises(GenerationDamaged):
        store.load(fingerprint=FINGERPRINT)


def test_files_signed_with_another_key_are_not_used(store: GenerationStore) -> None:
    other = GenerationStore(store.root, key=b"another")
    with pytest.raises(GenerationDamaged, match=UNSIGNED):
        other.load(fingerprint=FINGERPRINT)
    other.write(snapshot_of(6))
    assert_same(other.load(fingerprint=FINGERPRINT), snapshot_of(6))


@pytest.mark.parametrize("signature", ["", " " + "0" * 64])
def test_a_current_without_the_right_signature_is_refused(store: GenerationStore, signature: str) -> None:
    name, sha256, _ = (store.root / CURRENT).read_text().split()
    (store.root / CURRENT).write_text(f"{name} {sha256}{signature}\n")
    with pytest.raises(GenerationDamaged, match=UNSIGNED):
        store.load(fingerprint=FINGERPRINT)


@pytest.mark.parametrize("name", [CURRENT, f"gen-1/{MANIFEST}", "gen-1/labels.npy"])
def test_a_folder_in_the_place_of_a_file_is_damage(store: GenerationStore, name: str) -> None:
    (store.root / name).unlink()
    (store.root / name).mkdir()
    with pytest.raises(GenerationDamaged):
        store.load(fingerprint=FINGERPRINT)
