"""Importing products from folders and tables, as `manage.py import_products` does."""

from __future__ import annotations

import json
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from catalog.models import Product
from recognition.engine.engine import Engine
from recognition.tools.import_sources import ImportSourceUnusable, entries_read
from tests.recognition.pictures import photo_bytes

pytestmark = pytest.mark.django_db(transaction=True)


def photos_write(folder: Path, *numbers: int) -> None:
    folder.mkdir(parents=True)
    for number in numbers:
        (folder / f"{number:03d}.png").write_bytes(photo_bytes(number))


def imported(source: Path, *options: str) -> dict[str, object]:
    output = StringIO()
    call_command("import_products", str(source), "--json", *options, stdout=output, stderr=StringIO())
    return json.loads(output.getvalue())


def test_folders_become_products_named_as_they_are(engine: Engine, tmp_path: Path) -> None:
    photos_write(tmp_path / "shop" / "drinks" / "Oat-Milk", 1, 2, 3)
    photos_write(tmp_path / "shop" / "Rye-Bread", 4)
    summary = imported(tmp_path / "shop", "--shots", "2")
    assert (summary["products_added"], summary["photos_added"], summary["refused"]) == (2, 3, {})
    assert set(summary["photo_ms"]) == {"decode", "examine", "embed", "commit"}  # type: ignore[call-overload]
    assert {p.name: p.images.count() for p in Product.objects.all()} == {"Oat-Milk": 2, "Rye-Bread": 1}


def test_running_it_again_adds_only_what_is_missing(engine: Engine, tmp_path: Path) -> None:
    photos_write(tmp_path / "shop" / "Oat-Milk", 1, 2, 3)
    imported(tmp_path / "shop", "--shots", "2")
    summary = imported(tmp_path / "shop")
    assert (summary["products_added"], summary["photos_added"], summary["photos_known"]) == (0, 1, 2)
    assert Product.objects.get().images.count() == 3


def hidden_write(folder: Path) -> None:
    """Write what other programs leave in folders of photos."""
    (folder / "._000.png").write_bytes(b"no picture")
    (folder / ".DS_Store.jpg").write_bytes(b"no picture")
    photos_write(folder / ".thumbnails" / "small", 9)


def test_hidden_files_and_folders_are_not_imported(tmp_path: Path) -> None:
    photos_write(tmp_path / "Oat-Milk", 1)
    hidden_write(tmp_path / "Oat-Milk")
    (tmp_path / "shop.csv").write_text("name,photos\nOat milk,Oat-Milk\n", encoding="utf-8")

    for source in (tmp_path, tmp_path / "shop.csv"):
        (entry,) = entries_read(source)
        assert [photo.name for photo in entry.photos] == ["001.png"]


def test_a_refused_product_is_named_and_keeps_no_other_out(engine: Engine, tmp_path: Path) -> None:
    photos_write(tmp_path / "shop" / "A-Good-One", 1)
    photos_write(tmp_path / "shop" / "B-Broken", 2)
    (tmp_path / "shop" / "B-Broken" / "003.jpg").write_bytes(b"no picture")
    photos_write(tmp_path / "shop" / "C-Good-One", 4)
    errors = StringIO()
    with pytest.raises(CommandError, match="1 of 3 products were refused"):
        call_command("import_products", str(tmp_path / "shop"), "--json", stdout=StringIO(), stderr=errors)
    assert "B-Broken" in errors.getvalue()
    assert "003.jpg" in errors.getvalue()
    assert sorted(Product.objects.values_list("name", flat=True)) == ["A-Good-One", "C-Good-One"]


def test_what_is_weak_about_two_products_of_one_name_is_told_of_both(engine: Engine, tmp_path: Path) -> None:
    photos_write(tmp_path / "photos", 1, 2, 3)
    (tmp_path / "shop.csv").write_text(
        "name,barcode,photos\n"
        "Oat milk,4006381333931,photos/001.png\n"
        "Oat milk,9780201379624,photos/002.png;photos/003.png\n",
        encoding="utf-8",
    )
    summary = imported(tmp_path / "shop.csv")
    assert Product.objects.filter(name="Oat milk").count() == 2
    said = [each["detail"] for each in summary["warnings"]["Oat milk"] if each["code"] == "few_photos"]  # type: ignore[index]
    assert [words.split()[1] for words in said] == ["1", "2"]


def test_a_table_brings_prices_barcodes_and_descriptions(engine: Engine, tmp_path: Path) -> None:
    photos_write(tmp_path / "photos", 1, 2)
    photos_write(tmp_path / "bread", 3)
    (tmp_path / "shop.csv").write_text(
        "name,price,barcode,description,photos\n"
        "Oat milk,2.19,4006381333931,From oats,photos/001.png;photos/002.png\n"
        "Rye bread,,,,bread\n",
        encoding="utf-8",
    )
    assert imported(tmp_path / "shop.csv")["products_added"] == 2
    milk, bread = Product.objects.order_by("name")
    assert (milk.price, milk.barcode, milk.description) == (Decimal("2.19"), "4006381333931", "From oats")
    assert (bread.price, bread.barcode, bread.images.count()) == (None, None, 1)


def test_a_table_that_writes_a_barcode_with_other_zeros_means_the_same_product(
    engine: Engine, tmp_path: Path
) -> None:
    photos_write(tmp_path / "photos", 1, 2)
    (tmp_path / "shop.csv").write_text(
        "name,barcode,photos\nChips,036000291452,photos/001.png\nChips,0036000291452,photos/002.png\n"
    )
    assert imported(tmp_path / "shop.csv")["products_added"] == 1
    assert Product.objects.get().images.count() == 2


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("name,cost,photos\nA,1,x\n", "unknown: \\['cost'\\]"),
        ("name,price\nA,1\n", "missing: \\['photos'\\]"),
        ("name,photos\nA,nowhere\n", "line 2: there is no photo or folder 'nowhere'"),
        ("name,price,photos\nA,cheap,.\n", "line 2: the price 'cheap' is no number"),
        ("name,photos\nA\n", "line 2: it has not as many fields"),
        ("name,name,photos\nA,B,.\n", "names name more than once"),
        (f"name,photos\nA,{'x' * 5000}\n", "line 2: 'x+' cannot be read: File name too long"),
        ("name,photos\n", "holds no product"),
    ],
)
def test_a_table_that_cannot_be_understood_says_where(tmp_path: Path, table: str, words: str) -> None:
    (tmp_path / "shop.csv").write_text(table, encoding="utf-8")
    with pytest.raises(ImportSourceUnusable, match=words):
        entries_read(tmp_path / "shop.csv")


@pytest.mark.parametrize(
    "content", ["name,photos\n사과,.\n".encode("cp949"), b"name,photos\nA\0,.\n\xff\xfe"]
)
def test_a_table_in_another_encoding_is_refused_with_what_to_do(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "shop.csv").write_bytes(content)
    with pytest.raises(ImportSourceUnusable, match="is no table in UTF-8"):
        entries_read(tmp_path / "shop.csv")


@pytest.mark.parametrize("command", [("import_products", "--shots"), ("recognize", "--top")])
def test_fewer_than_one_is_refused(tmp_path: Path, command: tuple[str, str]) -> None:
    name, option = command
    with pytest.raises(CommandError, match=f"{option} must be at least 1"):
        call_command(name, str(tmp_path), option, "0")


@pytest.mark.parametrize(("name", "words"), [("missing", "is not there"), ("", "holds no JPEG")])
def test_nothing_to_recognize_is_an_error(tmp_path: Path, name: str, words: str) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("recognize", str(tmp_path / name))


@pytest.mark.parametrize("name", ["missing", "file.txt"])
def test_a_source_that_is_neither_folder_nor_table_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file.txt").write_text("x")
    with pytest.raises(ImportSourceUnusable, match="neither a folder"):
        entries_read(tmp_path / name)


def test_recognize_names_what_pictures_show(engine: Engine, tmp_path: Path) -> None:
    photos_write(tmp_path / "shop" / "Oat-Milk", 1)
    photos_write(tmp_path / "shop" / "Rye-Bread", 2)
    imported(tmp_path / "shop")
    hidden_write(tmp_path / "shop" / "Oat-Milk")
    output = StringIO()
    call_command("recognize", str(tmp_path / "shop"), "--json", "--top", "1", stdout=output)
    answers = json.loads(output.getvalue())
    assert [answer["matches"][0]["name"] for answer in answers] == ["Oat-Milk", "Rye-Bread"]
    assert all(answer["score"] == pytest.approx(1.0, abs=0.02) for answer in answers)
    with pytest.raises(CommandError, match="is not there"):
        call_command("recognize", str(tmp_path / "nothing.jpg"), stdout=StringIO())
