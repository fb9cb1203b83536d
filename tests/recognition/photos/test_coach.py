"""What the shop keeper hears of photos: over REST, in Django admin, from an import; each with a control."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import cv2
import numpy as np
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from catalog.models import Product, ProductImage
from recognition.engine.engine import Engine
from recognition.index import maintenance
from recognition.models import PhotoCheck
from recognition.photos import coach
from recognition.services import Upload, product_register
from recognition.tools.importing import products_import
from recognition.vision.types import Image
from tests.fakes import ThumbnailEncoder
from tests.pictures import encoded
from tests.recognition.admin.test_product_admin import NO_DELETIONS
from tests.recognition.pictures import picture

pytestmark = pytest.mark.django_db(transaction=True)


def photo(number: int) -> Image:
    """Draw a sharp photo unlike any other, of the tiles of `picture`: uint8 (320, 320, 3)."""
    return np.kron(picture(number), np.ones((5, 5, 1), np.uint8))


def blurred(number: int) -> Image:
    return cv2.GaussianBlur(photo(number), (0, 0), 5)


def upload(image: Image, name: str = "photo.png") -> Upload:
    return Upload(name, encoded(image, "PNG"))


def codes(product: Product) -> list[str]:
    coach.measured_wait(timeout_s=20)
    return sorted(warning.code for warning in coach.product_warnings([product])[product.pk])


def registered(name: str, *images: Image) -> Product:
    return product_register(name=name, uploads=[upload(image) for image in images]).product


def test_three_good_photos_get_no_warning_and_two_are_few(engine: Engine) -> None:
    assert codes(registered("Rye bread", photo(1), photo(2), photo(3))) == []
    assert codes(registered("Oat drink", photo(4), photo(5))) == ["few_photos"]


def test_a_blurred_photo_is_named_and_registered_all_the_same(engine: Engine) -> None:
    product = registered("Rye bread", photo(1), blurred(2), photo(3))
    found = coach.product_warnings([product])[product.pk]
    by_row = {image.embedding_id: image for image in product.images.all()}
    assert [(each.code, each.image) for each in found] == [("blurred", by_row[1])]
    assert product.images.count() == PhotoCheck.objects.count() == 3


def test_a_photo_taken_twice_is_named_and_a_different_one_is_not(engine: Engine) -> None:
    again = cv2.resize(photo(1), (280, 280), interpolation=cv2.INTER_AREA)
    product = registered("Rye bread", photo(1), photo(2), again)
    found = coach.product_warnings([product])[product.pk]
    assert [(each.code, each.image and each.image.embedding_id) for each in found] == [("same_picture", 2)]


@pytest.mark.parametrize(("bits", "warned"), [(5, ["same_picture"]), (6, [])])
def test_photos_are_one_picture_where_their_hashes_differ_in_no_more_than_five_bits(
    bits: int, warned: list[str]
) -> None:
    product = Product.objects.create(name="Rye bread")
    for number, picture_hash in enumerate((0, (1 << bits) - 1, 0xFFFF << 40)):
        image = ProductImage.objects.create(
            product=product, sha256=f"{number:064d}", image=f"products/{number}.jpg"
        )
        PhotoCheck.objects.create(product_image=image, picture_hash=picture_hash, version=1)
    assert [warning.code for warning in coach.product_warnings([product])[product.pk]] == warned


@pytest.mark.parametrize(
    ("wait", "timeout_s"), [(coach.measured_wait, 2.0), (lambda: products_import([], report=print), 60.0)]
)
def test_an_upload_waits_two_seconds_for_its_measuring_and_an_import_a_minute(
    wait: Callable[[], object], timeout_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = Mock()
    monkeypatch.setattr("recognition.engine.shared.engine_running", lambda: engine)
    engine.gallery.calibrator.scores = None
    wait()
    engine.wait_ready.assert_called_once_with(timeout_s=timeout_s)


def test_a_photo_that_lies_at_another_product_too_is_named_there_and_here(engine: Engine) -> None:
    first = registered("Rye bread", photo(1), photo(2), photo(3))
    again = cv2.resize(photo(1), (280, 280), interpolation=cv2.INTER_AREA)
    second = registered("Oat drink", again, photo(5), photo(6))
    coach.measured_wait(timeout_s=20)
    found = coach.product_warnings([first, second])
    assert [
        (each.code, each.image and each.image.embedding_id, each.other and each.other.embedding_id)
        for product in (first, second)
        for each in found[product.pk]
    ] == [("same_picture_elsewhere", 0, 3), ("same_picture_elsewhere", 3, 0)]


def test_photos_of_one_side_are_too_few_views(engine: Engine) -> None:
    moved = [np.roll(photo(1), step, axis=0) for step in (0, 4, 8, 12)]
    assert "few_views" in codes(registered("Rye bread", *moved))


def test_products_that_look_alike_are_named_with_each_other(engine: Engine) -> None:
    first = registered("Milk 1%", *(photo(n) for n in (1, 2, 3)))
    nearly = photo(1).copy()
    nearly[:40] = np.round(127.5 - 0.3 * (nearly[:40] - 127.5))  # one of eight rows of tiles, another light
    second = registered("Milk 3%", nearly, photo(5), photo(6))
    third = registered("Rye bread", *(photo(n) for n in (7, 8, 9)))
    coach.measured_wait(timeout_s=20)
    calibrator = engine.gallery.calibrator
    assert coach.product_warnings([first])[first.pk] == []  # nine photos are too few to be sure of anything
    calibrator.thresholds = replace(calibrator.thresholds, needed=-2.0)  # as a large gallery would have it
    found = coach.product_warnings([first, second, third])
    named = {
        (product.name, each.code, each.other and each.other.product.name)
        for product in (first, second, third)
        for each in found[product.pk]
        if each.code == "confusable"
    }
    assert {(name, other) for name, _, other in named} == {("Milk 1%", "Milk 3%"), ("Milk 3%", "Milk 1%")}


def test_the_api_answers_with_warnings_of_the_new_photos_only(
    engine: Engine, keeper: User, client: Client
) -> None:
    product = registered("Rye bread", blurred(1), photo(2), photo(3))
    client.force_login(keeper)
    files = [SimpleUploadedFile("4.png", encoded(blurred(4), "PNG"), "image/png")]
    answer = client.post(f"/api/products/{product.pk}/images", {"images": files})
    assert answer.status_code == 201
    new = product.images.get(embedding_id=3)
    assert answer.json()["warnings"] == [
        {
            "code": "blurred",
            "image_id": str(new.pk),
            "detail": "The photo is blurred. Hold the camera still, let it focus and retake the photo.",
        }
    ]


def test_the_form_says_it_after_the_upload_and_beside_the_photo(
    engine: Engine, keeper: User, client: Client
) -> None:
    client.force_login(keeper)
    files = [
        SimpleUploadedFile(f"{number}.png", encoded(image, "PNG"), "image/png")
        for number, image in enumerate((photo(1), blurred(2), photo(3)))
    ]
    page = client.post(
        reverse("admin:catalog_product_add"),
        {"name": "Rye bread", "is_active": "on", "photos": files, **NO_DELETIONS},
        follow=True,
    )
    said = [str(message) for message in page.context["messages"] if message.level_tag == "warning"]
    assert said == [
        "Rye bread, 1 photo: The photo is blurred. Hold the camera still, let it focus and retake the photo."
    ]
    product = Product.objects.get()
    form = client.get(reverse("admin:catalog_product_change", args=[product.pk])).content.decode()
    assert form.count("Hold the camera still, let it focus") == 1


def test_the_list_is_marked_and_filtered(engine: Engine, keeper: User, client: Client) -> None:
    registered("Rye bread", photo(1), photo(2), photo(3))
    registered("Oat drink", photo(4), blurred(5), photo(6))
    coach.measured_wait(timeout_s=20)
    client.force_login(keeper)
    listed = reverse("admin:catalog_product_changelist")
    assert client.get(listed).content.decode().count("<li>blurred</li>") == 1
    for choice, name in (("needed", "Oat drink"), ("good", "Rye bread")):
        page = client.get(listed, {"photos": choice})
        assert [product.name for product in page.context["cl"].result_list] == [name]


def test_the_list_asks_as_much_for_fifty_products_as_for_two(
    engine: Engine, keeper: User, client: Client
) -> None:
    client.force_login(keeper)
    listed = reverse("admin:catalog_product_changelist")

    def queries(**narrowed: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert client.get(listed, narrowed).status_code == 200
        return len(captured)

    for number in range(2):
        registered(f"Product {number}", blurred(number), photo(10 + number))
    coach.measured_wait(timeout_s=20)
    queries()
    few, few_needed = queries(), queries(photos="needed")
    products = Product.objects.bulk_create(Product(name=f"More {number}") for number in range(48))
    images = ProductImage.objects.bulk_create(
        ProductImage(product=product, sha256=f"{number:064d}", image=f"products/{number}.jpg")
        for number, product in enumerate(products)
    )
    PhotoCheck.objects.bulk_create(
        PhotoCheck(product_image=image, faults="blurred", picture_hash=-number, version=1)
        for number, image in enumerate(images)
    )
    assert (queries(), queries(photos="needed")) == (few, few_needed)


def test_an_import_tells_of_each_product(
    engine: Engine, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, images in {"Good": (1, 2, 3), "Blurred": (4, 5, 6)}.items():
        folder = tmp_path / "shop" / name
        folder.mkdir(parents=True)
        for number in images:
            shown = blurred(number) if name == "Blurred" else photo(number)
            (folder / f"{number}.png").write_bytes(encoded(shown, "PNG"))
    call_command("import_products", str(tmp_path / "shop"))
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(":")[0] for line in lines[1:]] == ["Blurred"]
    assert lines[1].endswith("Hold the camera still, let it focus and retake the photo. (3 photos)")


def test_photos_from_before_are_judged_by_a_rebuild_or_when_looked_at(
    engine: Engine, keeper: User, client: Client
) -> None:
    product = registered("Rye bread", photo(1), blurred(2), photo(3))
    PhotoCheck.objects.all().delete()
    assert codes(product) == []
    maintenance.index_rebuild(
        encoder_name="thumbnail", progress=lambda done, total: None, load=lambda name: ThumbnailEncoder()
    )
    assert codes(product) == ["blurred"]
    PhotoCheck.objects.all().delete()
    client.force_login(keeper)
    client.get(reverse("admin:catalog_product_change", args=[product.pk]))
    assert codes(product) == ["blurred"]
