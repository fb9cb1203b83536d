"""Files of the media folder: photos that have a row, the demonstration clip, and nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.http import Http404
from django.test import Client, RequestFactory
from pytest_django.fixtures import Settings

from accounts.models import Store
from accounts.stores import store_default
from catalog.media import media_file, media_path
from catalog.models import Product, ProductImage
from tests.pictures import jpeg

pytestmark = pytest.mark.django_db


@pytest.fixture
def media(tmp_path: Path, settings: Settings) -> Path:
    settings.MEDIA_ROOT = tmp_path / "media"
    (tmp_path / "secret.jpg").write_bytes(b"secret")
    (tmp_path / "media2").mkdir()
    (tmp_path / "media2" / "a.jpg").write_bytes(b"secret")
    for name in ("demo/clip.json", "demo/0000.jpg", "demo/.hidden.jpg", "demo/page.html", "plain.jpg"):
        path = tmp_path / "media" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"{}" if name.endswith("json") else jpeg())
    (tmp_path / "media" / "out.jpg").symlink_to(tmp_path / "secret.jpg")
    return tmp_path / "media"


def photo_stored(media: Path) -> str:
    image = ProductImage(product=Product.objects.create(name="Oat milk"), sha256="a" * 64)
    image.image = f"products/{image.product_id}/{image.pk}.jpg"
    image.save()
    path = media / image.image.name
    path.parent.mkdir(parents=True)
    path.write_bytes(jpeg())
    return str(image.image.url)


def test_a_photo_is_served_for_ever_until_its_row_is_gone(client: Client, media: Path) -> None:
    url = photo_stored(media)
    answer = client.get(url)
    assert (answer.status_code, answer.content) == (200, jpeg())
    assert answer["Content-Type"] == "image/jpeg"
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert client.head(url).content == b""
    again = client.get(url, headers={"if-modified-since": answer["Last-Modified"]})
    assert (again.status_code, again.content) == (304, b"")
    ProductImage.objects.all().delete()
    assert client.get(url).status_code == 404


def test_a_file_without_a_row_is_not_served_among_the_photos(client: Client, media: Path) -> None:
    url = photo_stored(media)
    orphan = (media / url.removeprefix("/media/")).with_name("orphan.jpg")
    orphan.write_bytes(jpeg())
    assert client.get(url).status_code == 200
    assert client.get(f"/media/products/{orphan.parent.name}/orphan.jpg").status_code == 404


def test_a_row_without_a_file_is_a_404(client: Client, media: Path) -> None:
    url = photo_stored(media)
    (media / url.removeprefix("/media/")).unlink()
    assert client.get(url).status_code == 404


def test_the_demonstration_clip_is_served_and_checked_again_each_time(client: Client, media: Path) -> None:
    clip = client.get("/media/demo/clip.json")
    assert (clip.status_code, clip["Content-Type"]) == (200, "application/json")
    assert clip["Cache-Control"] == "no-cache"
    assert client.get("/media/demo/0000.jpg").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        "../secret.jpg",
        "demo/../../secret.jpg",
        "../media2/a.jpg",
        "/etc/passwd",
        "//etc/passwd",
        "out.jpg",
        "demo",
        "demo/",
        "demo/.hidden.jpg",
        "demo/page.html",
        "demo/none.jpg",
        "demo\\0000.jpg",
        "demo/0000.jpg\0",
        "demo/0000.jpg/x",
        "x" * 5000 + ".jpg",
        ".",
        "..",
    ],
)
def test_nothing_else_is(media: Path, path: str) -> None:
    assert media_path("plain.jpg") == media / "plain.jpg"
    with pytest.raises(Http404):
        media_path(path)
    with pytest.raises(Http404):
        media_file(RequestFactory().get("/"), path, has_product=lambda user, product: True)


@pytest.mark.parametrize("address", ["/media/..%2fsecret.jpg", "/media/%2e%2e/secret.jpg", "/media/a%00.jpg"])
def test_an_encoded_way_out_is_a_404(client: Client, media: Path, address: str) -> None:
    assert client.get(address).status_code == 404


def test_files_are_read_and_never_written(client: Client, media: Path) -> None:
    assert client.post("/media/plain.jpg").status_code == 405
    assert client.delete("/media/plain.jpg").status_code == 405
    assert (media / "plain.jpg").exists()


def test_a_logo_is_served_to_everyone_while_a_store_has_it(client: Client, media: Path) -> None:
    path = media / "stores" / "logo.png"
    path.parent.mkdir()
    path.write_bytes(jpeg())
    assert client.get("/media/stores/logo.png").status_code == 404
    store = store_default()
    Store.objects.update(logo="stores/logo.png")
    answer = client.get("/media/stores/logo.png")
    assert (answer.status_code, answer["Content-Type"]) == (200, "image/png")
    assert answer["Cache-Control"] == "public, max-age=31536000, immutable"
    Store.objects.filter(pk=store.pk).update(logo="stores/other.png")
    assert client.get("/media/stores/logo.png").status_code == 404
    assert client.get("/media/stores/other.png").status_code == 404
