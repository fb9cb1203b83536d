"""A small file may hold a huge picture: it is refused by what decoding it would cost, before that."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from unittest import mock

import pytest
from django.conf import settings
from django.test import override_settings

from catalog import images
from catalog.images import PhotosBusy, PhotoTooLarge, photo_read, structure_checked
from catalog.pictures.pixels import DRAFTED_PIXELS_MAX, draft_size, picture_decode
from catalog.pictures.structure import KEPT_BYTES_MAX, Structure, structure_read
from tests.pictures import encoded, jpeg, scene

MEASURE = r"""
import json, re, sys, time
from pathlib import Path
import django
from django.conf import settings
limit = int(sys.argv[1])
settings.configure(IMAGE_MAX_BYTES=2**24, IMAGE_MAX_PIXELS=50_000_000, IMAGE_MAX_DECODED_BYTES=limit)
django.setup()
from catalog.images import PhotoTooLarge, photo_read
from tests.pictures import WEBP_BOMB, encoded, scene
photo_read(encoded(scene(), "WEBP"), filename="warm")
def kib(): return int(re.search(r"VmHWM:\s*(\d+)", Path("/proc/self/status").read_text())[1])
before, start, refused = kib(), time.process_time(), False
try:
    photo_read(WEBP_BOMB, filename="bomb")
except PhotoTooLarge:
    refused = True
print(json.dumps([refused, time.process_time() - start, (kib() - before) / 1024]))
"""


def cost(limit: int) -> tuple[bool, float, float]:
    """Return whether 38 bytes of 25 megapixels are refused, the processor time and the MiB they take."""
    command = [sys.executable, "-c", MEASURE, str(limit)]
    done = subprocess.run(command, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True)
    refused, taken_s, mebibytes = json.loads(done.stdout)
    return refused, taken_s, mebibytes


def test_a_bomb_costs_neither_time_nor_memory() -> None:
    refused, taken_s, mebibytes = cost(settings.IMAGE_MAX_DECODED_BYTES)
    assert refused
    assert taken_s < 0.05
    assert mebibytes < 10
    refused, unbounded_s, unbounded_mebibytes = cost(10**9)
    assert not refused
    assert unbounded_s > 0.1, "control: without the limit it is decoded"
    assert unbounded_mebibytes > 200


@pytest.mark.parametrize(
    ("kind", "size", "pixel_bytes", "accepted"),
    [
        ("PNG", (4096, 4096), 4, True),
        ("PNG", (4096, 4097), 4, False),
        ("PNG", (4000, 3000), 4, True),  # a screenshot of 12 megapixels
        ("PNG", (2896, 2896), 8, True),
        ("PNG", (2897, 2897), 8, False),
        ("WEBP", (4096, 4096), 4, True),
        ("WEBP", (4096, 4097), 4, False),
    ],
)
def test_a_png_or_webp_has_so_many_bytes_once_decoded(
    kind: str, size: tuple[int, int], pixel_bytes: int, accepted: bool
) -> None:
    width, height = size
    found = Structure(kind, width=width, height=height, pixel_bytes=pixel_bytes)  # type: ignore[arg-type]
    with mock.patch.object(images, "structure_read", return_value=found):
        if accepted:
            assert structure_checked(b"x", "a") is found
            return
        with pytest.raises(PhotoTooLarge, match=f"up to 67108864 are allowed for {kind}") as caught:
            structure_checked(b"x", "a")
    assert caught.value.data["limit"] == 2**26


@pytest.mark.parametrize(
    ("size", "coefficients", "accepted"),
    [
        ((5000, 5000), 3.0, True),
        ((5001, 5000), 3.0, False),
        ((8064, 6048), 1.5, True),
        ((7070, 7071), 1.6, False),
    ],
)
def test_a_jpeg_of_several_passes_keeps_so_many_bytes(
    size: tuple[int, int], coefficients: float, accepted: bool
) -> None:
    assert KEPT_BYTES_MAX == 150_000_000
    width, height = size
    found = Structure("JPEG", width, height, scans=1, progressive=True, coefficients=coefficients)
    once = Structure("JPEG", width, height, scans=1, coefficients=coefficients)
    with mock.patch.object(images, "structure_read", return_value=once):
        assert structure_checked(b"x", "a") is once
    with mock.patch.object(images, "structure_read", return_value=found):
        if accepted:
            assert structure_checked(b"x", "a") is found
            return
        with pytest.raises(PhotoTooLarge, match="up to 150000000 are allowed, larger pictures as baseline"):
            structure_checked(b"x", "a")


@pytest.mark.slow
def test_a_phone_jpeg_of_48_megapixels_is_accepted() -> None:
    photo = photo_read(jpeg(8064, 6048), filename="phone.jpg")
    assert (photo.width, photo.height) == (1600, 1200)


@pytest.mark.slow
def test_a_screenshot_of_12_megapixels_is_accepted() -> None:
    photo = photo_read(encoded(scene(4000, 3000).convert("RGBA"), "PNG", compress_level=1), filename="s.png")
    assert (photo.width, photo.height) == (1600, 1200)


@pytest.mark.parametrize(
    ("size", "asked"),
    [
        ((1280, 720), (1600, 1600)),
        ((4032, 3024), (1600, 1600)),
        ((8064, 6048), (1600, 1600)),
        ((5243, 3199), (1600, 1600)),  # 16.8 million pixels, as many as are decoded whole
        ((5245, 3199), (1600, 975)),
        ((15_600, 3199), (1600, 328)),
        ((22_360, 1118), (1600, 80)),
    ],
)
def test_only_what_would_stay_too_large_is_reduced_further(
    size: tuple[int, int], asked: tuple[int, int]
) -> None:
    assert DRAFTED_PIXELS_MAX == 2**24
    assert draft_size(size, 1600) == asked


def test_a_panorama_is_decoded_reduced() -> None:
    found = structure_read(jpeg(9000, 3000))
    assert found is not None
    assert picture_decode(found, side_max_px=1600).size == (1600, 533)


class Gate:
    """A decoder that waits until it is let go, and counts how many are in it."""

    def __init__(self) -> None:
        self.opened = threading.Event()
        self.counting = threading.Lock()
        self.inside = self.most = 0

    def __call__(self, found: Structure, **options: int) -> object:
        with self.counting:
            self.inside += 1
            self.most = max(self.most, self.inside)
        self.opened.wait(20)
        with self.counting:
            self.inside -= 1
        return picture_decode(found, side_max_px=64)


def decoded_at_once(callers: int, *, patience_s: float) -> tuple[int, list[PhotosBusy]]:
    """Have so many callers decode photos that take long; return how many did at once, and the refusals."""
    gate, refusals = Gate(), []

    def call() -> None:
        try:
            photo_read(jpeg(), filename="a")
        except PhotosBusy as error:
            refusals.append(error)

    with (
        mock.patch.object(images, "picture_decode", gate),
        mock.patch.object(images, "DECODE_PATIENCE_S", patience_s),
    ):
        threads = [threading.Thread(target=call) for _ in range(callers)]
        for thread in threads:
            thread.start()
        deadline = time.monotonic() + 20
        while gate.inside + len(refusals) < callers and time.monotonic() < deadline:
            time.sleep(0.01)
        gate.opened.set()
        for thread in threads:
            thread.join()
    return gate.most, refusals


def test_only_two_photos_are_decoded_at_once_and_others_are_told_so() -> None:
    assert (images.DECODES_AT_ONCE, images.DECODE_PATIENCE_S) == (2, 3.0)
    most, refusals = decoded_at_once(5, patience_s=0.2)
    assert (most, len(refusals)) == (2, 3)
    assert (refusals[0].code, refusals[0].status, refusals[0].data["retry_after_s"]) == (
        "photos_busy",
        503,
        2,
    )
    with mock.patch.object(images, "decodes", threading.BoundedSemaphore(100)):
        assert decoded_at_once(5, patience_s=0.2) == (5, []), "control: unbounded, all are decoded at once"
    assert decoded_at_once(2, patience_s=0.2) == (2, []), "every turn was given back"


def test_a_photo_that_cannot_be_decoded_gives_its_turn_back() -> None:
    broken = jpeg()[:600] + b"\xff\xd9"
    for _ in range(5):
        with mock.patch.object(images, "DECODE_PATIENCE_S", 0.0), pytest.raises(images.PhotoRefused):
            photo_read(broken.replace(b"\xff\xc4", b"\xff\xe5"), filename="a")
    with override_settings(IMAGE_MAX_PIXELS=10_000_000), mock.patch.object(images, "DECODE_PATIENCE_S", 0.0):
        assert photo_read(jpeg(), filename="a").width == 160
