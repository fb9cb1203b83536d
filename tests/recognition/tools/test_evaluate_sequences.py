"""`manage.py evaluate --sequences`: drawn visits with a known cart, judged by the lane and the recognizer."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from PIL import Image as PillowImage

from recognition.tools import evaluate_sequences
from tests.fakes import ThumbnailEncoder
from tests.recognition.vision.scenes import BLUE, GREEN, RED, YELLOW, Image, Pack, Stage

SPOT = (160.0, 120.0)
KEYS = [
    "visits",
    "cAcc",
    "count_error_mean",
    "false_adds",
    "misses",
    "doubles",
    "unknown_asked",
    "answer_ms",
]


def saved(picture: Image, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    PillowImage.fromarray(picture).save(path, quality=92)


@pytest.fixture(autouse=True)
def _fake_encoder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluate_sequences, "encoder_for_evaluation", lambda name: ThumbnailEncoder())


@pytest.fixture
def visits(tmp_path: Path) -> Path:
    """Draw three visits: a red pack, blue shown twice, and a yellow one that is not registered."""
    plan: dict[str, list[tuple[tuple[int, int, int], str | None]]] = {
        "one": [(RED, "red")],
        "two": [(BLUE, "blue"), (BLUE, "blue")],
        "three": [(YELLOW, None)],
    }
    stage, truth = Stage(), []
    for name, packs in plan.items():
        frames, events, cart = stage.empty(8), [], dict[str, int]()
        for colour, product in packs:
            first = len(frames) + 3
            frames += [*stage.shown(Pack(colour, SPOT), 10), *stage.empty(6)]
            events.append({"first": first, "last": first + 9, "product": product})
            if product:
                cart[product] = cart.get(product, 0) + 1
        for number, frame in enumerate(frames):
            saved(frame, tmp_path / name / f"{number:04}.jpg")
        truth.append({"name": name, "frames": len(frames), "cart": cart, "events": events})
    for name, colour in {"red": RED, "blue": BLUE, "green": GREEN}.items():
        for turn in range(3):
            picture = stage.frame(Pack(colour, SPOT))[70:170, 120 - turn : 200 + turn]
            saved(picture, tmp_path / "gallery" / "packs" / name / f"{turn}.jpg")
    truth_write(tmp_path, truth)
    return tmp_path


def truth_write(folder: Path, visits: list[dict[str, Any]], **more: Any) -> None:
    (folder / "truth.json").write_text(json.dumps({"fps": 10, "visits": visits, **more}))


def evaluated(*arguments: Any) -> dict[str, Any]:
    output = StringIO()
    call_command("evaluate", "--json", *map(str, arguments), stdout=output)
    answer: dict[str, Any] = json.loads(output.getvalue())
    return answer


def test_visits_are_counted_as_the_checkout_would(visits: Path) -> None:
    metrics = evaluated("--sequences", visits, "--identity", "truth")

    assert list(metrics)[:8] == KEYS
    assert (metrics["visits"], metrics["items"], metrics["cAcc"]) == (3, 3, 1.0)
    assert [metrics[key] for key in KEYS[3:7]] == [0, 0, 0, 0]
    assert metrics["wrong"] == []
    assert 0 < metrics["answer_ms"]["p50"] <= metrics["answer_ms"]["p95"]


def test_counting_is_judged_alone_where_photos_say_nothing(visits: Path) -> None:
    for photo in (visits / "gallery").rglob("*.jpg"):
        saved(Stage().frame(), photo)
    blind, counting = (evaluated("--sequences", visits, "--identity", each) for each in ("encoder", "truth"))

    assert (blind["cAcc"], blind["misses"], blind["unknown_asked"]) == (pytest.approx(1 / 3), 3, 3)
    assert (counting["cAcc"], counting["misses"], counting["unknown_asked"]) == (1.0, 0, 0)


def test_the_same_frames_give_the_same_carts(visits: Path) -> None:
    def without_times() -> dict[str, Any]:
        return {
            key: each for key, each in evaluated("--sequences", visits).items() if not key.endswith("_ms")
        }

    assert without_times() == without_times()


def test_a_cart_that_is_not_the_true_one_is_told(visits: Path) -> None:
    truth = json.loads((visits / "truth.json").read_text())
    truth["visits"][0]["cart"] = {"red": 2}
    truth_write(visits, truth["visits"])
    metrics = evaluated("--sequences", visits, "--identity", "truth")

    assert (metrics["cAcc"], metrics["misses"]) == (pytest.approx(2 / 3), 1)
    assert metrics["wrong"] == [{"name": "one", "lines": {"red": {"counted": 1, "shown": 2}}}]


def test_another_gallery_is_taken_where_it_is_named(visits: Path) -> None:
    (visits / "gallery").rename(visits / "photos")
    with pytest.raises(CommandError, match="gallery is not a folder"):
        evaluated("--sequences", visits)
    assert evaluated("--sequences", visits, "--gallery", visits / "photos")["products"] == 3


def spoil_truth(folder: Path) -> None:
    (folder / "truth.json").write_text('{"visits": [{"cart": {}}]}')


def spoil_frame(folder: Path) -> None:
    (folder / "one" / "0003.jpg").write_bytes(b"\xff\xd8\xff nothing")


def spoil_photo(folder: Path) -> None:
    (folder / "gallery" / "packs" / "red" / "1.jpg").write_bytes(b"GIF89a")


def take_frame(folder: Path) -> None:
    (folder / "two" / "0002.jpg").unlink()


def empty_class(folder: Path) -> None:
    (folder / "gallery" / "packs" / "lilac").mkdir()


def drop_truth(folder: Path) -> None:
    (folder / "truth.json").unlink()


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (drop_truth, "holds no truth.json"),
        (spoil_truth, "does not list visits with name, cart and events: KeyError"),
        (spoil_frame, "one cannot be played: the picture is damaged"),
        (spoil_photo, r"1\.jpg: this is not a JPEG, PNG or WebP"),
        (take_frame, "lists"),
        (empty_class, "lilac holds no photo"),
    ],
)
def test_what_cannot_be_judged_is_told(visits: Path, spoil: Any, reason: str) -> None:
    spoil(visits)
    with pytest.raises(CommandError, match=reason):
        evaluated("--sequences", visits)
