"""The files are a cache: used when they are right, never when they are not, and the answers are the same."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from recognition import services
from recognition.engine.engine import Engine
from recognition.engine.gallery import Gallery
from recognition.index.files import IndexFiles
from recognition.index.maintenance import index_compact
from recognition.index.view import IndexView
from recognition.models import IndexEvent, IndexState
from recognition.vision.encoders.layout import fuse
from tests.fakes import ThumbnailEncoder
from tests.recognition.pictures import picture, upload
from tests.waiting import until

FILES = ("CURRENT", "manifest.json", "embeddings.npy", "labels.npy", "faiss_index.bin")


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-7])


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) * 2 // 3] ^= 4
    path.write_bytes(bytes(content))


def delete(path: Path) -> None:
    path.unlink()


def swap(path: Path) -> None:
    """Put the file of the generation before in its place."""
    older = path.parent.parent / "gen-1" / path.name if path.name != "CURRENT" else path.parent / "CURRENT.1"
    shutil.copy(older, path)


@pytest.fixture
def folder(engine: Engine, shop_folder: Path) -> Path:
    """Write two generations, the second with a row withdrawn, and stop the engine's own saving."""
    engine.gallery.snapshots.stop()
    made = services.product_register(name="Milk", uploads=[upload(1), upload(2)])
    services.product_register(name="Tea", uploads=[upload(3)])
    root = shop_folder / "index"
    assert IndexFiles().save()
    shutil.copy(root / "CURRENT", root / "CURRENT.1")
    services.product_image_delete(image_id=made.images[0].pk)
    services.product_register(name="Jam", uploads=[upload(4)])
    assert IndexFiles().save()
    return root


def path_of(root: Path, name: str) -> Path:
    return root / name if name == "CURRENT" else root / "gen-2" / name


def answers(view: IndexView) -> list[tuple[float, int, str | None]]:
    """Search for every picture and one that is not there: score, row and product of the three best."""
    pictures = [picture(number) for number in (1, 2, 3, 4, 99)]
    queries = fuse(ThumbnailEncoder().encode(pictures), visual_weight=0.7)
    scores, rows = view.store.search(queries, 3)
    return [
        (float(score), int(row), view.product_ids[row])
        for score, row in zip(scores.ravel(), rows.ravel(), strict=True)
    ]


def loaded(files: IndexFiles) -> IndexView:
    """Load and apply the tail, as a replica does."""
    gallery = Gallery(files=files)
    gallery.replica.catch_up()
    view = gallery.replica.view
    assert view is not None
    return view


def test_whole_files_are_used(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = answers(loaded(IndexFiles(root=folder / "none")))
    monkeypatch.setattr("recognition.index.files.view_from_database", None)
    files = IndexFiles()
    assert answers(loaded(files)) == expected
    assert files.rebuilt_because == ""


def test_tail_of_the_log_is_replayed_over_the_files(folder: Path) -> None:
    tea = services.product_register(name="Tea 2", uploads=[upload(5)]).product
    services.product_set_active(product_id=tea.pk, is_active=False)
    files = IndexFiles()
    view = loaded(files)
    assert files.rebuilt_because == ""
    assert (view.applied_seq, view.store.row_count, view.store.is_active(4)) == (7, 5, False)
    assert answers(view) == answers(loaded(IndexFiles(root=folder / "none")))


@pytest.mark.parametrize("name", FILES)
def test_damage_is_noticed_and_the_answers_are_the_same(
    folder: Path, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    expected = answers(loaded(IndexFiles(root=folder / "none")))
    whole = shutil.copytree(folder, tmp_path / "whole")
    for damage in (truncate, flip, delete, swap):
        shutil.rmtree(folder)
        shutil.copytree(whole, folder)
        caplog.clear()
        damage(path_of(folder, name))
        files = IndexFiles()
        assert answers(loaded(files)) == expected
        # a CURRENT of before names whole files, only older ones: the tail of the log makes up for that
        damaged = not (name == "CURRENT" and damage is swap)
        assert bool(files.rebuilt_because) is damaged, damage
        assert ("rebuilt from the database" in caplog.text) is damaged, damage
        assert bool(files.status().problem) is damaged, damage
        assert files.save()
        assert files.status().problem == ""
        assert answers(loaded(IndexFiles())) == expected


def test_damage_is_a_warning_in_the_state_of_the_engine(folder: Path) -> None:
    flip(path_of(folder, "embeddings.npy"))
    gallery = Gallery()
    engine = Engine(load=lambda name: ThumbnailEncoder(), gallery=gallery)
    engine.start()
    try:
        assert engine.wait_ready().ready
        assert "embeddings.npy" in engine.state().warnings[0]
        assert engine.recognize([picture(3)]).decisions[0].candidates[0].row == 2
    finally:
        engine.close()


def test_files_of_a_database_that_came_equally_far_are_not_used(folder: Path) -> None:
    assert IndexFiles().status().problem == ""
    last = IndexEvent.objects.get(seq=IndexState.objects.get().last_seq)
    IndexEvent.objects.filter(pk=last.pk).update(created_at=last.created_at.replace(microsecond=1))
    assert "another database" in IndexFiles().status().problem


def test_files_ahead_of_the_database_are_not_used(folder: Path) -> None:
    IndexEvent.objects.filter(seq__gt=3).delete()
    IndexState.objects.update(last_seq=3)
    assert "another database" in IndexFiles().status().problem


def test_files_of_an_earlier_epoch_are_not_used(folder: Path) -> None:
    index_compact()
    files = IndexFiles()
    assert "earlier epoch" in files.status().problem
    view = loaded(files)
    assert (view.epoch, view.store.row_count) == (2, 3)
    assert files.save()
    assert files.status().problem == ""


def test_saving_twice_writes_once_and_keeps_two_generations(folder: Path) -> None:
    assert not IndexFiles().save()
    services.product_register(name="Rice", uploads=[upload(6)])
    assert IndexFiles().save()
    assert sorted(path.name for path in folder.glob("gen-*")) == ["gen-2", "gen-3"]
    manifest = json.loads((folder / "gen-3" / "manifest.json").read_text())
    assert (manifest["rows"], manifest["applied_seq"], manifest["withdrawn"]) == (5, 6, [0])
    assert np.load(folder / "gen-3" / "labels.npy").tolist() == ["Milk", "Milk", "Tea", "Jam", "Rice"]


def test_files_are_saved_by_themselves_after_a_change(engine: Engine, shop_folder: Path) -> None:
    services.product_register(name="Milk", uploads=[upload(1)])
    until(lambda: IndexFiles().status().applied_seq == 1)
    assert IndexFiles().status().problem == ""


def test_files_that_cannot_be_written_fail_no_registration(engine: Engine, shop_folder: Path) -> None:
    if (shop_folder / "index").is_dir():
        (shop_folder / "index").rmdir()
    (shop_folder / "index").write_text("in the way")
    made = services.product_register(name="Milk", uploads=[upload(1)])
    assert made.index_seq == 1
    assert engine.recognize([picture(1)]).decisions[0].state == "accepted"
    until(lambda: any("cannot be written" in warning for warning in engine.state().warnings))
