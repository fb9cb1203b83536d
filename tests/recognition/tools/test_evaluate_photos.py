"""`manage.py evaluate GALLERY QUERIES`: drawn packs with known answers, refusals, the report, real photos."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from PIL import Image as PillowImage

from recognition.tools import evaluate_photos
from tests.fakes import ThumbnailEncoder
from tests.recognition.vision.packs import Image, pack, seen

KEYS = [
    "recall_at_1",
    "macro_recall_at_1",
    "recall_at_5",
    "per_class",
    "by_shots",
    "false_accept_rate",
    "recall_at_false_accept_1pct",
    "ambiguous_rate",
    "latency_ms",
    "confusions",
]
PACKS = {"tea": (1, 1), "milk": (2, 1), "jam": (3, 1)}


class CountingEncoder(ThumbnailEncoder):
    """Counts the pictures it was given in batches of more than one."""

    pictures = 0

    def encode(self, images: Any) -> Any:
        self.pictures += len(images) if len(images) > 1 else 0
        return super().encode(images)


@pytest.fixture
def encoder(monkeypatch: pytest.MonkeyPatch) -> CountingEncoder:
    made = CountingEncoder()
    monkeypatch.setattr(evaluate_photos, "encoder_for_evaluation", lambda name: made)
    return made


def saved(picture: Image, *path: Any) -> None:
    file = Path(*map(str, path))
    file.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.fromarray(picture).save(file, quality=95)


@pytest.fixture
def folders(tmp_path: Path, encoder: CountingEncoder) -> Path:
    """Draw four photos and two pictures of each of three packs, at different depths."""
    for name, kind in PACKS.items():
        for number in range(4):
            saved(
                seen(pack(*kind), tilt=0.02 + 0.04 * number),
                tmp_path / "gallery" / "shelf" / name,
                f"{number}.jpg",
            )
        for number in range(2):
            saved(seen(pack(*kind), tilt=0.04 + 0.04 * number), tmp_path / "queries" / name, f"{number}.png")
    return tmp_path


def evaluated(*arguments: Any) -> dict[str, Any]:
    output = StringIO()
    call_command("evaluate", "--json", *map(str, arguments), stdout=output)
    answer: dict[str, Any] = json.loads(output.getvalue())
    return answer


def test_every_metric_is_there_and_right(folders: Path) -> None:
    metrics = evaluated(folders / "gallery", folders / "queries", "--shots", "1,2")

    assert list(metrics)[: len(KEYS)] == KEYS
    assert (metrics["recall_at_1"], metrics["macro_recall_at_1"], metrics["recall_at_5"]) == (1.0, 1.0, 1.0)
    assert (metrics["false_accept_rate"], metrics["recall_at_false_accept_1pct"]) == (0.0, 1.0)
    assert (metrics["right_accept_rate"], metrics["ambiguous_rate"]) == (1.0, 0.0)
    assert metrics["confusions"] == []
    assert {
        name: (row["photos"], row["queries"], row["recall_at_1"])
        for name, row in metrics["per_class"].items()
    } == {
        "jam": (4, 2, 1.0),
        "milk": (4, 2, 1.0),
        "tea": (4, 2, 1.0),
    }
    assert {shots: (row["photos"], row["draws"]) for shots, row in metrics["by_shots"].items()} == {
        "1": (3, 5),
        "2": (6, 5),
    }
    assert 0 < metrics["latency_ms"]["p50"] <= metrics["latency_ms"]["p95"]
    assert metrics["counts"] == {"gallery_photos": 12, "gallery_classes": 3, "queries": 6, "impostors": 6}
    assert metrics["impostors_are"] == "each query with its own class set aside"


def test_the_same_folders_give_the_same_metrics(folders: Path) -> None:
    first, second = (evaluated(folders / "gallery", folders / "queries") for _ in range(2))
    for metrics in (first, second):
        del metrics["latency_ms"], metrics["latency_parts_ms"]
    assert first == second


def test_every_photo_is_embedded_once_however_many_draws_there_are(
    folders: Path, encoder: CountingEncoder
) -> None:
    evaluated(folders / "gallery", folders / "queries", "--shots", "1,2,3")
    assert encoder.pictures == 12 + 6


def test_a_wrong_label_is_a_confusion_with_its_pictures(folders: Path) -> None:
    (folders / "queries" / "milk" / "0.png").rename(folders / "queries" / "tea" / "lost.png")
    metrics = evaluated(folders / "gallery", folders / "queries", "--shots", "3")

    assert metrics["recall_at_1"] == pytest.approx(5 / 6)
    assert metrics["macro_recall_at_1"] == pytest.approx((1 + 1 + 2 / 3) / 3)
    (confusion,) = metrics["confusions"]
    assert (confusion["class"], confusion["taken_for"]) == ("tea", "milk")
    assert (confusion["pictures"], confusion["of"], confusion["accepted"]) == (1, 3, 1)
    assert confusion["worst"]["picture"].endswith("queries/tea/lost.png")
    assert "/shelf/milk/" in confusion["worst"]["matched"]


def test_classes_without_photos_and_the_folder_of_impostors_are_impostors(folders: Path) -> None:
    saved(seen(pack(1, 1), tilt=0.06), folders / "queries" / "stolen-tea", "0.jpg")
    saved(seen(pack(8, 1)), folders / "strange" / "soap", "0.jpg")
    metrics = evaluated(
        folders / "gallery", folders / "queries", "--impostors", folders / "strange", "--shots", "4"
    )

    assert metrics["counts"]["impostors"] == 2
    assert metrics["impostors_are"] == "unregistered classes"
    assert metrics["false_accept_rate"] == 0.5  # the stolen tea looks just like tea
    assert metrics["by_shots"]["4"]["draws"] == 1  # there is only one way to take all four
    assert metrics["recall_at_1"] == 1.0  # an impostor is no query


def test_a_photo_that_cannot_be_read_is_named_and_left_out(folders: Path) -> None:
    broken = folders / "gallery" / "shelf" / "tea" / "0.jpg"
    broken.write_bytes(b"\xff\xd8\xff no picture")
    output = StringIO()
    with pytest.raises(CommandError, match="1 photos could not be read"):
        call_command(
            "evaluate",
            str(folders / "gallery"),
            str(folders / "queries"),
            "--json",
            "--shots",
            "1",
            stdout=output,
        )
    metrics = json.loads(output.getvalue())
    assert list(metrics["unreadable"]) == [str(broken)]
    assert metrics["per_class"]["tea"]["photos"] == 3


@pytest.mark.parametrize("shots", ["0", "1,-3", "x", "", "1,,3", "5,5", "1.5"])
def test_shots_that_cannot_be_meant_are_refused(folders: Path, shots: str) -> None:
    with pytest.raises(CommandError, match=r"as in 1,3,5"):
        evaluated(folders / "gallery", folders / "queries", f"--shots={shots}")


def test_folders_that_cannot_be_judged_are_refused(folders: Path) -> None:
    gallery, queries = folders / "gallery", folders / "queries"
    with pytest.raises(CommandError, match="nowhere is not a folder"):
        evaluated(gallery, folders / "nowhere")
    with pytest.raises(CommandError, match="Name GALLERY and QUERIES"):
        evaluated(gallery)
    with pytest.raises(CommandError, match="both folders hold jam, milk, tea"):
        evaluated(gallery, queries, "--impostors", queries)
    with pytest.raises(CommandError, match="goes with --sequences only"):
        evaluated(gallery, queries, "--mode", "tray")
    with pytest.raises(CommandError, match="not with --sequences"):
        evaluated(gallery, queries, "--sequences", gallery)
    with pytest.raises(CommandError, match="there is no folder"):
        evaluated(gallery, queries, "--report", folders / "none" / "report.html")
    (queries / "empty").mkdir()
    with pytest.raises(CommandError, match="empty holds no photo"):
        evaluated(gallery, queries)
    (queries / "empty").rmdir()
    saved(np.full((64, 64, 3), 200, np.uint8), folders / "other" / "soap", "0.jpg")
    with pytest.raises(CommandError, match=r"No class of .* has photos in"):
        evaluated(gallery, folders / "other")


def test_an_unknown_encoder_is_refused(tmp_path: Path) -> None:
    saved(seen(pack(1, 1)), tmp_path / "a", "0.jpg")
    with pytest.raises(CommandError, match="there is no encoder 'dinov2'"):
        evaluated(tmp_path, tmp_path, "--encoder", "dinov2")


def test_the_report_is_one_file_with_the_confused_pictures_in_it(folders: Path) -> None:
    (folders / "queries" / "milk" / "0.png").rename(folders / "queries" / "tea" / "<b>.png")
    evaluated(folders / "gallery", folders / "queries", "--shots", "1", "--report", folders / "report.html")
    page = (folders / "report.html").read_text()

    assert "83.3%" in page
    assert "tea → milk" in page
    assert len(re.findall(r'<img src="data:image/jpeg;base64,', page)) == 3
    assert re.findall(r'(?:src|href)="(?!data:)', page) == []
    assert "<b>.png" not in page
    assert "tea/&lt;b&gt;.png" in page


def test_real_cartons_are_found_again(shared_data: Path, tmp_path: Path, one_torch_thread: None) -> None:
    train, val = shared_data / "grocery" / "train" / "Packages", shared_data / "grocery" / "val" / "Packages"
    names = ["Yoggi-Vanilla-Yoghurt", "Oatly-Oat-Milk", "Valio-Vanilla-Yoghurt", "Arla-Sour-Cream"]
    for source, target, count in ((train, "gallery", 6), (val, "queries", 3)):
        for folder in sorted(path for path in source.rglob("*") if path.name in names):
            for photo in sorted(folder.glob("*.jpg"))[:count]:
                place = tmp_path / target / folder.name / photo.name
                place.parent.mkdir(parents=True, exist_ok=True)
                place.symlink_to(photo)
    metrics = evaluated(tmp_path / "gallery", tmp_path / "queries", "--shots", "1", "--encoder", "compact")

    assert metrics["counts"]["queries"] == 12
    assert metrics["encoder"] == "compact"
    assert metrics["recall_at_1"] >= 0.75
    # one photo of each class in five draws: some are right, and fewer are sure of it
    one = metrics["by_shots"]["1"]
    assert one["recall_at_1"] >= 0.5
    assert one["right_accept_rate"] < metrics["right_accept_rate"]


def test_the_summary_names_metrics_and_confusions(folders: Path) -> None:
    (folders / "queries" / "milk" / "0.png").rename(folders / "queries" / "tea" / "lost.png")
    output = StringIO()
    call_command(
        "evaluate", str(folders / "gallery"), str(folders / "queries"), "--shots", "1", stdout=output
    )
    lines = output.getvalue().splitlines()

    assert lines[0] == "recall_at_1: 0.833"
    assert "tea taken for milk: 1 of 3" in lines
    assert any(line.startswith("by_shots 1: recall_at_1 ") for line in lines)
