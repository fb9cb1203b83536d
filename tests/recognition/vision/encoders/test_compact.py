"""The shipped encoder: its contract, its weights file and what it sees."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from recognition.training.photos import read_rgb
from recognition.vision.encoders.compact import WEIGHTS, CompactEncoder, WeightsUnusable

LARGEST_WEIGHTS_BYTES = 20_000_000


@pytest.fixture(scope="module")
def encoder() -> CompactEncoder:
    return CompactEncoder.load(threads=1)


def pictures(count: int, seed: int = 3) -> list[np.ndarray]:
    """Differently sized pictures of soft colour fields, so that scaling them loses nothing."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        coarse = rng.integers(0, 256, (5, 4, 3)).astype(np.uint8)
        size = (int(rng.integers(60, 400)), int(rng.integers(60, 400)))
        found.append(cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC))
    return found


def test_embeddings_are_two_unit_blocks_in_float32(encoder: CompactEncoder) -> None:
    embeddings = encoder.encode(pictures(3))

    assert embeddings.shape == (3, 1280)
    assert embeddings.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(embeddings[:, :1024], axis=1), 1.0, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(embeddings[:, 1024:], axis=1), 1.0, atol=1e-5)


def test_no_pictures_give_no_rows(encoder: CompactEncoder) -> None:
    assert encoder.encode([]).shape == (0, 1280)


def test_the_same_pictures_give_the_same_bits(encoder: CompactEncoder) -> None:
    batch = pictures(5)

    np.testing.assert_array_equal(encoder.encode(batch), encoder.encode(batch))


def test_a_row_does_not_depend_on_its_batch(encoder: CompactEncoder) -> None:
    batch = pictures(21)

    together = encoder.encode(batch)

    alone = np.concatenate([encoder.encode([picture]) for picture in batch])
    np.testing.assert_allclose(together, alone, atol=2e-6)
    others = encoder.encode([*pictures(2, seed=9), batch[0]])
    np.testing.assert_allclose(others[2], together[0], atol=2e-6)


def test_a_strided_view_embeds_like_its_copy(encoder: CompactEncoder) -> None:
    frame = pictures(1)[0]
    crop = frame[5:50, 3:40]

    np.testing.assert_array_equal(encoder.encode([crop]), encoder.encode([crop.copy()]))


def test_the_rim_of_a_picture_does_not_count(encoder: CompactEncoder) -> None:
    picture = cv2.resize(pictures(1)[0], (200, 100))
    rimmed, framed = picture.copy(), picture.copy()
    rimmed[:4], rimmed[-4:], rimmed[:, :8], rimmed[:, -8:] = 0, 0, 0, 0
    framed[:5], framed[-5:], framed[:, :9], framed[:, -9:] = 0, 0, 0, 0

    plain, without_rim, with_frame = encoder.encode([picture, rimmed, framed])

    np.testing.assert_array_equal(plain, without_rim)
    assert not np.array_equal(plain, with_frame)


@pytest.mark.parametrize("side", [1, 2, 13])
def test_tiny_pictures_are_embedded(encoder: CompactEncoder, side: int) -> None:
    assert np.isfinite(encoder.encode([np.full((side, side, 3), 90, np.uint8)])).all()


@pytest.mark.parametrize(
    "picture",
    [
        np.zeros((20, 20), np.uint8),
        np.zeros((20, 20, 4), np.uint8),
        np.zeros((20, 20, 3), np.float32),
        np.zeros((0, 20, 3), np.uint8),
    ],
)
def test_what_is_no_rgb_picture_is_refused_by_name_of_its_shape(
    encoder: CompactEncoder, picture: np.ndarray
) -> None:
    with pytest.raises(ValueError, match="expected RGB uint8 pictures") as refusal:
        encoder.encode([picture])

    assert str(picture.shape) in str(refusal.value)


def test_fingerprint_is_a_digest_that_a_new_process_repeats(encoder: CompactEncoder) -> None:
    module = "recognition.vision.encoders.compact"
    script = f"from {module} import CompactEncoder; print(CompactEncoder.load().fingerprint)"
    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert encoder.name == "compact"
    assert len(bytes.fromhex(encoder.fingerprint)) == hashlib.sha256().digest_size
    assert told.stdout.strip() == encoder.fingerprint


def test_other_weights_have_another_fingerprint(encoder: CompactEncoder, tmp_path: Path) -> None:
    other = tmp_path / "other.safetensors"
    content = bytearray(WEIGHTS.read_bytes())
    content[-1] ^= 1
    other.write_bytes(content)

    assert CompactEncoder.load(other).fingerprint != encoder.fingerprint


def test_missing_or_damaged_weights_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "missing.safetensors"
    torn = tmp_path / "torn.safetensors"
    torn.write_bytes(WEIGHTS.read_bytes()[:100_000])

    for file in (missing, torn):
        with pytest.raises(WeightsUnusable, match=file.name):
            CompactEncoder.load(file)


def test_threads_are_set_only_where_named() -> None:
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        CompactEncoder.load()
        assert torch.get_num_threads() == 2
        CompactEncoder.load(threads=1)
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


def test_shipped_weights_are_small_and_have_their_card() -> None:
    assert WEIGHTS.stat().st_size <= LARGEST_WEIGHTS_BYTES
    assert (WEIGHTS.parent / "compact.md").read_text(encoding="utf-8").startswith("# ")


def test_a_turned_and_dimmed_pack_stays_nearest_to_itself(encoder: CompactEncoder, shared_data: Path) -> None:
    """Six cartons, each cut and shown again under another angle and light, must find themselves."""
    folders = sorted(path for path in (shared_data / "grocery/val/Packages").glob("*/*") if path.is_dir())[
        ::4
    ][:6]
    photos = [read_rgb(min(folder.glob("*.jpg"))) for folder in folders]
    shown = []
    for photo in photos:
        height, width = photo.shape[:2]
        turn = cv2.getRotationMatrix2D((width / 2, height / 2), 8, 1.08)
        shown.append((cv2.warpAffine(photo, turn, (width, height)) * 0.75).astype(np.uint8))

    gallery = encoder.encode(photos)
    similar = encoder.encode(shown) @ gallery.T

    assert similar.argmax(axis=1).tolist() == list(range(len(photos)))
