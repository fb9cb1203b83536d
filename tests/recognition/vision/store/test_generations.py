from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import pytest

from recognition.vision.encoders.layout import EMBEDDING_DIM, fuse, join_blocks
from recognition.vision.store.generation_files import (
    DATA_FILES,
    EMBEDDINGS,
    FAISS_INDEX,
    LABELS,
    MANIFEST,
)
from recognition.vision.store.generations import (
    CURRENT,
    FingerprintMismatch,
    GenerationDamaged,
    GenerationStore,
    NoGeneration,
)
from recognition.vision.store.snapshot import Snapshot
from recognition.vision.types import FloatArray
from tests.recognition.vision.store.generation_writer import KEY, snapshot_number

ROOT = Path(__file__).resolve().parents[4]
FINGERPRINT = "f00d"
DAMAGE_TRIES = int(os.environ.get("EBRCS_DAMAGE_TRIES", "150"))
KILL_TRIES = int(os.environ.get("EBRCS_KILL_TRIES", "30"))


def embeddings_of(rows: int, seed: int = 0) -> FloatArray:
    generator = np.random.default_rng(seed)
    return join_blocks(
        generator.standard_normal((rows, 1024), np.float32),
        generator.standard_normal((rows, 256), np.float32),
    )


def snapshot_of(rows: int, seed: int = 0, *, fingerprint: str = FINGERPRINT) -> Snapshot:
    return Snapshot(
        embeddings=embeddings_of(rows, seed),
        labels=np.array([f"우유 {seed}-{row % 3}" for row in range(rows)], np.str_),
        withdrawn=tuple(range(0, rows, 4)),
        applied_seq=rows + seed,
        fingerprint=fingerprint,
        visual_weight=0.7,
    )


def assert_same(found: Snapshot, expected: Snapshot) -> None:
    np.testing.assert_array_equal(found.embeddings, expected.embeddings)
    assert found.labels.tolist() == expected.labels.tolist()
    assert (found.withdrawn, found.applied_seq, found.fingerprint, found.visual_weight) == (
        expected.withdrawn,
        expected.applied_seq,
        expected.fingerprint,
        expected.visual_weight,
    )


@pytest.fixture
def store(tmp_path: Path) -> GenerationStore:
    return GenerationStore(tmp_path / "index", key=KEY)


@pytest.mark.parametrize("rows", [0, 1, 9])
def test_what_was_written_is_read_back(store: GenerationStore, rows: int) -> None:
    assert store.write(snapshot_of(rows)) == "gen-1"
    assert_same(store.load(fingerprint=FINGERPRINT), snapshot_of(rows))
    assert store.verify() == []


def test_the_faiss_file_is_a_plain_flat_index_of_fused_vectors(store: GenerationStore) -> None:
    snapshot = snapshot_of(9)
    index = faiss.read_index(str(store.root / store.write(snapshot) / FAISS_INDEX))
    assert type(index) is faiss.IndexFlatIP
    assert (index.ntotal, index.d) == (9, EMBEDDING_DIM)
    np.testing.assert_array_equal(index.reconstruct_n(0, 9), fuse(snapshot.embeddings, visual_weight=0.7))


def test_each_snapshot_is_a_generation_of_its_own_and_the_newest_is_live(store: GenerationStore) -> None:
    assert [store.write(snapshot_of(rows)) for rows in (3, 5)] == ["gen-1", "gen-2"]
    assert store.current() == "gen-2"
    assert_same(store.load(fingerprint=FINGERPRINT), snapshot_of(5))
    manifest = json.loads((store.root / "gen-2" / MANIFEST).read_text())
    assert (manifest["rows"], manifest["applied_seq"], manifest["withdrawn"]) == (5, 5, [0, 4])
    assert sorted(manifest["sha256"]) == sorted(DATA_FILES)


def test_nothing_written_yet_is_distinguished_from_damage(store: GenerationStore) -> None:
    for call in (store.current, store.verify, lambda: store.load(fingerprint=FINGERPRINT)):
        with pytest.raises(NoGeneration):
            call()
    assert store.prune() == []


def test_embeddings_of_another_encoder_are_refused(store: GenerationStore) -> None:
    store.write(snapshot_of(3))
    with pytest.raises(FingerprintMismatch, match="made by the encoder f00d, this one is beef") as caught:
        store.load(fingerprint="beef")
    assert (caught.value.found, caught.value.expected) == ("f00d", "beef")


def test_pruning_keeps_the_live_generation_and_clears_what_a_crash_left(store: GenerationStore) -> None:
    for rows in range(1, 5):
        store.write(snapshot_of(rows))
    half_written = store.root / ".partial-left-by-a-crash"
    half_written.mkdir()
    (half_written / EMBEDDINGS).write_bytes(b"half")
    line = (store.root / CURRENT).read_text()
    assert store.prune(2) == ["gen-1", "gen-2"]
    assert sorted(path.name for path in store.root.iterdir()) == [".lock", CURRENT, "gen-3", "gen-4"]
    assert (store.root / CURRENT).read_text() == line
    assert store.prune(0) == ["gen-3"]
    assert_same(store.load(fingerprint=FINGERPRINT), snapshot_of(4))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"embeddings": embeddings_of(4).astype(np.float64)}, "expected embeddings float32"),
        ({"embeddings": embeddings_of(4)[:, :7]}, "expected embeddings float32"),
        ({"labels": np.array(["a"] * 3)}, "expected 4 labels"),
        ({"labels": np.array([None] * 4)}, "expected 4 labels"),
        ({"withdrawn": (4,)}, "withdrawn"),
        ({"withdrawn": (2, 1)}, "withdrawn"),
    ],
)
def test_a_snapshot_that_does_not_fit_together_cannot_be_made(change: dict[str, object], reason: str) -> None:
    facts: dict[str, object] = {
        "embeddings": embeddings_of(4),
        "labels": np.array(["a"] * 4),
        "withdrawn": (1, 2),
        "applied_seq": 4,
        "fingerprint": FINGERPRINT,
        "visual_weight": 0.7,
    }
    with pytest.raises(ValueError, match=reason):
        Snapshot(**(facts | change))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "does not name"),
        (b"gen-1\n", "does not name"),
        (b"\xff\xfe", "does not name"),
        (b"../outside " + b"0" * 64 + b"\n", "does not name"),
        (b"gen-1/../../outside " + b"0" * 64 + b"\n", "does not name"),
        (b"/etc " + b"0" * 64 + b"\n", "does not name"),
        (b"gen-7 " + b"0" * 64 + b"\n", "names gen-7, which is missing"),
    ],
)
def test_a_damaged_or_forged_current_is_named(store: GenerationStore, content: bytes, reason: str) -> None:
    store.write(snapshot_of(3))
    (store.root / CURRENT).write_bytes(content)
    with pytest.raises(GenerationDamaged, match=f"^CURRENT: {reason}"):
        store.load(fingerprint=FINGERPRINT)
    assert [problem.file for problem in store.verify()] == [CURRENT]


def test_a_missing_current_beside_generations_is_damage(store: GenerationStore) -> None:
    store.write(snapshot_of(3))
    (store.root / CURRENT).unlink()
    with pytest.raises(GenerationDamaged, match="CURRENT: missing"):
        store.load(fingerprint=FINGERPRINT)
    assert store.write(snapshot_of(5)) == "gen-2"
    assert_same(store.load(fingerprint=FINGERPRINT), snapshot_of(5))


def test_a_whole_generation_under_the_name_of_another_is_noticed(store: GenerationStore) -> None:
    for rows in (3, 5):
        store.write(snapshot_of(rows))
    shutil.rmtree(store.root / "gen-2")
    (store.root / "gen-1").rename(store.root / "gen-2")
    with pytest.raises(GenerationDamaged, match=r"gen-2/manifest.json: differs from the digest in CURRENT"):
        store.load(fingerprint=FINGERPRINT)


def test_each_damaged_file_is_named(store: GenerationStore) -> None:
    folder = store.root / store.write(snapshot_of(3))
    (folder / LABELS).unlink()
    (folder / EMBEDDINGS).write_bytes(b"")
    assert [str(problem) for problem in store.verify()] == [
        "embeddings.npy: differs from the digest in the manifest",
        "labels.npy: missing",
    ]


def truncate(path: Path, other: Path, generator: np.random.Generator) -> None:
    os.truncate(path, int(generator.integers(path.stat().st_size)))


def flip_a_bit(path: Path, other: Path, generator: np.random.Generator) -> None:
    content = bytearray(path.read_bytes())
    content[int(generator.integers(len(content)))] ^= 1 << int(generator.integers(8))
    path.write_bytes(content)


def delete(path: Path, other: Path, generator: np.random.Generator) -> None:
    path.unlink()


def swap(path: Path, other: Path, generator: np.random.Generator) -> None:
    shutil.copyfile(other, path)


DAMAGES = (truncate, flip_a_bit, delete, swap)
Damage = Callable[[Path, Path, np.random.Generator], None]


@pytest.fixture(scope="module")
def two_generations(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two generations of equal shape, so that nothing but the contents tells their files apart."""
    root = tmp_path_factory.mktemp("two") / "index"
    store = GenerationStore(root, key=KEY)
    store.write(snapshot_of(12, seed=1))
    (root / CURRENT).replace(root.parent / "CURRENT-of-gen-1")
    store.write(snapshot_of(12, seed=2))
    return root


def damaged_copy(two_generations: Path, tmp_path: Path, trial: int) -> tuple[Path, str]:
    root = tmp_path / f"trial-{trial}"
    shutil.copytree(two_generations, root)
    generator = np.random.default_rng(trial)
    damage: Damage = DAMAGES[trial % len(DAMAGES)]
    file = str(
        generator.choice([*DATA_FILES, MANIFEST, CURRENT] if damage is not swap else [*DATA_FILES, MANIFEST])
    )
    path = root / CURRENT if file == CURRENT else root / "gen-2" / file
    damage(path, root / "gen-1" / file, generator)
    return root, f"{damage.__name__} {file}, trial {trial}"


def test_files_damaged_at_random_are_always_noticed(two_generations: Path, tmp_path: Path) -> None:
    unnoticed = []
    for trial in range(DAMAGE_TRIES):
        root, what = damaged_copy(two_generations, tmp_path, trial)
        try:
            GenerationStore(root, key=KEY).load(fingerprint=FINGERPRINT)
        except GenerationDamaged:
            assert GenerationStore(root, key=KEY).verify() != [], what
        else:
            unnoticed.append(what)
        shutil.rmtree(root)
    assert unnoticed == []
    assert_same(
        GenerationStore(two_generations, key=KEY).load(fingerprint=FINGERPRINT), snapshot_of(12, seed=2)
    )


def test_control_without_the_checks_wrong_answers_pass_unnoticed(
    two_generations: Path, tmp_path: Path
) -> None:
    expected = snapshot_of(12, seed=2)
    wrong = 0
    for trial in range(60):
        root, _ = damaged_copy(two_generations, tmp_path, trial)
        try:
            embeddings = np.load(root / "gen-2" / EMBEDDINGS)
            labels = np.load(root / "gen-2" / LABELS)
            vectors = faiss.read_index(str(root / "gen-2" / FAISS_INDEX)).reconstruct_n(0, 12)
        except Exception:  # noqa: BLE001, S112  # whatever the naive loader trips over counts as noticed
            continue
        finally:
            shutil.rmtree(root)
        wrong += not (
            np.array_equal(embeddings, expected.embeddings)
            and np.array_equal(labels, expected.labels)
            and np.array_equal(vectors, fuse(expected.embeddings))
        )
    assert wrong >= 10


def kill_while_writing(kind: str, folder: Path, delay_s: float) -> int:
    """Kill -9 a writer some time after its second snapshot; return the last snapshot it reported."""
    folder.mkdir()
    process = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("generation_writer.py")), kind, str(folder)],
        cwd=ROOT,
        env={"PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    with process:
        reported = int(process.stdout.readline())
        time.sleep(delay_s)
        process.kill()
        return int((process.stdout.read().split() or [str(reported)])[-1])


@pytest.mark.crash
def test_kill_9_while_writing_leaves_the_old_or_the_new_complete(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for trial in range(KILL_TRIES):
        folder = tmp_path / f"trial-{trial}"
        reported = kill_while_writing("whole", folder, float(generator.uniform(0, 0.05)))
        store = GenerationStore(folder, key=KEY)
        found = store.load(fingerprint=FINGERPRINT)
        assert found.applied_seq in {reported, reported + 1}
        assert_same(found, snapshot_number(found.applied_seq))
        store.write(snapshot_of(2))
        store.prune(1)
        assert sorted(path.name for path in folder.iterdir()) == [".lock", CURRENT, store.current()]


@pytest.mark.crash
def test_control_kill_9_while_overwriting_in_place_tears_the_files_apart(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    torn = 0
    for trial in range(10):
        folder = tmp_path / f"trial-{trial}"
        kill_while_writing("in_place", folder, float(generator.uniform(0, 0.05)))
        try:
            labels = np.load(folder / LABELS)
            embeddings = np.load(folder / EMBEDDINGS)
            index = faiss.read_index(str(folder / FAISS_INDEX))
        except Exception:  # noqa: BLE001  # a file that cannot be read at all is torn too
            torn += 1
            continue
        number = int(embeddings[0, 0])
        whole = (
            bool((embeddings == number).all())
            and set(labels.tolist()) == {f"product-{number:06}"}
            and bool((index.reconstruct_n(0, index.ntotal) == fuse(embeddings)).all())
        )
        torn += not whole
    assert torn >= 1
