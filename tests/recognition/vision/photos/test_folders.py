"""Folders of photos and of frames: what is found in them, whatever else lies there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from recognition.vision.evaluation.recorded_visits import visits_read
from recognition.vision.photos.folders import FolderUnusable, photos_by_class


def touched(folder: Path, *names: str) -> None:
    """Create empty files and their folders."""
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_a_photo_is_of_the_class_that_its_own_folder_names(tmp_path: Path) -> None:
    touched(tmp_path, "tea/2.jpg", "tea/1.JPG", "hot/coffee/1.webp", "cold/coffee/1.png", "tea/notes.txt")

    found = photos_by_class(tmp_path)
    assert {name: [str(path.relative_to(tmp_path)) for path in photos] for name, photos in found.items()} == {
        "coffee": ["cold/coffee/1.png", "hot/coffee/1.webp"],
        "tea": ["tea/1.JPG", "tea/2.jpg"],
    }
    assert list(found) == ["coffee", "tea"]


def test_hidden_files_and_folders_are_no_photos_and_no_classes(tmp_path: Path) -> None:
    touched(tmp_path, "tea/1.jpg", "tea/._1.jpg", ".thumbnails/1.jpg", ".cache/empty", "tea/.old/deep/1.jpg")

    assert photos_by_class(tmp_path) == {"tea": [tmp_path / "tea" / "1.jpg"]}


@pytest.mark.parametrize("names", [["tea/notes.txt"], ["tea/1.jpg", "milk/.hidden/1.jpg"], []])
def test_a_folder_without_photos_is_named(tmp_path: Path, names: list[str]) -> None:
    touched(tmp_path, *names)

    with pytest.raises(FolderUnusable, match="holds no photo"):
        photos_by_class(tmp_path)


def test_the_frames_of_a_visit_are_its_pictures_without_hidden_files(tmp_path: Path) -> None:
    touched(tmp_path, "visit/0001.jpg", "visit/0000.jpg", "visit/._0000.jpg")
    visit = {"name": "visit", "cart": {"tea": 1}, "frames": 2, "events": []}
    (tmp_path / "truth.json").write_text(json.dumps({"fps": 10, "visits": [visit]}))

    (read,) = visits_read(tmp_path)
    assert [path.name for path in read.frames] == ["0000.jpg", "0001.jpg"]


@pytest.mark.parametrize(("told", "fps"), [({}, 10.0), ({"fps": 12}, 12.0), ({"fps": 0.5}, 0.5)])
def test_a_truth_without_a_rate_means_ten_frames_a_second(
    tmp_path: Path, told: dict[str, float], fps: float
) -> None:
    touched(tmp_path, "visit/0000.jpg")
    (tmp_path / "truth.json").write_text(json.dumps({"visits": [{"name": "visit", "cart": {}}], **told}))
    (read,) = visits_read(tmp_path)
    assert read.fps == fps
