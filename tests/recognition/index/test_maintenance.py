"""Rebuilding, compacting and verifying, by the commands staff use."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from catalog.models import ProductImage
from recognition import services
from recognition.engine import shared
from recognition.engine.engine import Engine
from recognition.errors import EncoderMismatch
from recognition.index import maintenance
from recognition.index.embedding_file import EmbeddingFile
from recognition.index.maintenance import index_compact, index_rebuild
from recognition.index.status import index_status
from recognition.index.verify import index_verify
from recognition.models import Embedding, IndexEvent, IndexState
from recognition.photos.files import photo_path
from recognition.vision.types import FloatArray, Image
from tests.fakes import ThumbnailEncoder
from tests.recognition.conftest import engine_make
from tests.recognition.pictures import picture, upload


class MirrorEncoder(ThumbnailEncoder):
    """Another encoder: embeds every picture mirrored; counts them and may stop half-way."""

    name = "mirror"

    def __init__(self) -> None:
        super().__init__("e" * 64)
        self.embedded = 0
        self.patience = 10**6

    def encode(self, images: Sequence[Image]) -> FloatArray:
        if self.embedded >= self.patience:
            raise KeyboardInterrupt
        self.embedded += len(images)
        return super().encode([np.ascontiguousarray(image[:, ::-1]) for image in images])


def ignore(advance: int, total: int) -> None:
    """Take no notice of progress."""


def command(*words: str) -> Any:
    out = StringIO()
    call_command(*words, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def shop(engine: Engine) -> Engine:
    """Register Milk (two photos, one deleted again), Tea (not on sale) and Jam."""
    milk = services.product_register(name="Milk", uploads=[upload(1), upload(2)])
    tea = services.product_register(name="Tea", uploads=[upload(3)])
    services.product_register(name="Jam", uploads=[upload(4)])
    services.product_image_delete(image_id=milk.images[0].pk)
    services.product_set_active(product_id=tea.product.pk, is_active=False)
    return engine


def test_compact_renumbers_without_the_deleted_and_keeps_the_rest(shop: Engine) -> None:
    before = {row.product_image_id: bytes(row.vector) for row in Embedding.objects.all()}
    change = index_compact()
    rows = list(Embedding.objects.order_by("id"))
    assert [(row.id, row.label) for row in rows] == [(0, "Milk"), (1, "Tea"), (2, "Jam")]
    assert all(before[row.product_image_id] == bytes(row.vector) for row in rows)
    assert all(ProductImage.objects.get(embedding_id=row.id).pk == row.product_image_id for row in rows)
    log = list(IndexEvent.objects.values_list("seq", "kind", "embedding_id"))
    assert log == [(7, "add", 0), (8, "add", 1), (9, "add", 2), (10, "withdraw", 1)]
    assert (change.index_seq, IndexState.objects.get().row_count) == (10, 3)
    assert index_verify(young_s=0).damage == []
    made = services.product_register(name="Rice", uploads=[upload(5)])
    assert (made.images[0].embedding_id, made.index_seq) == (3, 11)
    decision = shop.recognize([picture(5)], at_least_seq=made.index_seq).decisions[0]
    assert (decision.state, decision.candidates[0].row) == ("accepted", 3)


def test_rebuild_changes_over_to_another_encoder_and_replicas_follow(shop: Engine) -> None:
    seen: list[tuple[int, int]] = []
    change = index_rebuild(
        encoder_name="mirror",
        load=lambda name: MirrorEncoder(),
        progress=lambda advance, total: seen.append((advance, total)),
    )
    assert seen == [(0, 3), (3, 3)]
    assert (change.encoder, change.rows_before, change.rows, change.epoch) == ("mirror", 4, 3, 2)
    assert set(Embedding.objects.values_list("encoder_fingerprint", flat=True)) == {"e" * 64}
    assert index_verify(young_s=0).damage == []
    assert shop.replica.wait_for(change.index_seq, timeout_s=20)
    assert "index rebuild --encoder thumbnail" in shop.state().reasons[0]
    with pytest.raises(EncoderMismatch):
        services.product_register(name="Rice", uploads=[upload(5)])

    mirrored = engine_make(MirrorEncoder())
    shared.engine_use(mirrored)
    assert mirrored.recognize([picture(4)]).decisions[0].state == "accepted"
    assert mirrored.recognize([picture(3)]).decisions[0].state == "unknown"
    assert services.product_register(name="Rice", uploads=[upload(5)]).images[0].embedding_id == 3


def test_photo_registered_while_rebuilding_is_part_of_the_new_epoch(shop: Engine) -> None:
    encoder = MirrorEncoder()
    late: list[services.Registration] = []

    def register_once(advance: int, total: int) -> None:
        if not late:
            late.append(services.product_register(name="Late", uploads=[upload(7)]))

    change = index_rebuild(encoder_name="mirror", load=lambda name: encoder, progress=register_once)
    assert change.rows == 4
    row = Embedding.objects.get(product_image=late[0].images[0])
    expected = MirrorEncoder().encode([_stored_pixels(late[0].images[0])])[0]
    assert bytes(row.vector) == expected.tobytes()
    assert index_verify(young_s=0).damage == []


def _stored_pixels(image: ProductImage) -> Image:
    from catalog.images import photo_pixels

    return np.asarray(photo_pixels(photo_path(str(image.image.name)).read_bytes()))


def test_interrupted_rebuild_changes_nothing_and_goes_on_where_it_stopped(
    shop: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maintenance, "EMBED_BATCH", 1)
    before = list(Embedding.objects.values_list("id", "encoder_fingerprint"))
    impatient = MirrorEncoder()
    impatient.patience = 2
    with pytest.raises(KeyboardInterrupt):
        index_rebuild(encoder_name="mirror", load=lambda name: impatient, progress=ignore)
    assert list(Embedding.objects.values_list("id", "encoder_fingerprint")) == before
    assert IndexState.objects.get().epoch == 1
    assert shop.recognize([picture(4)]).decisions[0].state == "accepted"

    patient = MirrorEncoder()
    index_rebuild(encoder_name="mirror", load=lambda name: patient, progress=ignore)
    assert (impatient.embedded, patient.embedded) == (2, 1)
    assert index_verify(young_s=0).damage == []


def test_torn_record_of_an_interrupted_rebuild_is_embedded_again(shop: Engine, shop_folder: Path) -> None:
    impatient = MirrorEncoder()
    path = shop_folder / "index" / f".rebuild-{'e' * 16}.bin"
    maintenance._photos_embed(impatient, EmbeddingFile(path), ignore)
    path.write_bytes(path.read_bytes()[:-100])
    patient = MirrorEncoder()
    index_rebuild(encoder_name="mirror", load=lambda name: patient, progress=ignore)
    assert patient.embedded == 1
    assert index_verify(young_s=0).damage == []
    assert not path.exists()


@pytest.mark.parametrize(("age_s", "orphans"), [(590, 0), (610, 1)])
def test_files_younger_than_ten_minutes_may_belong_to_a_registration(
    shop: Engine, shop_folder: Path, age_s: int, orphans: int
) -> None:
    left = photo_path("products/nobody/left.jpg")
    left.parent.mkdir(parents=True, exist_ok=True)
    left.write_bytes(b"left by a crash")
    written_s = time.time() - age_s
    os.utime(left, (written_s, written_s))
    assert len(index_verify().orphans) == orphans


def test_of_many_rows_with_the_same_damage_twenty_are_named(shop: Engine) -> None:
    services.product_register(name="Rice", uploads=[upload(300 + number) for number in range(20)])
    services.product_register(name="Salt", uploads=[upload(400)])
    ProductImage.objects.filter(product__name__in=["Rice", "Salt"]).update(embedding_id=None)
    damage = [line for line in index_verify().damage if "do not name each other" in line]
    assert len(damage) == 20


def test_verify_names_orphans_and_removes_them_when_told(shop: Engine, shop_folder: Path) -> None:
    photos = {photo_path(name) for name in ProductImage.objects.values_list("image", flat=True)}
    orphan = photo_path("products/nobody/left.jpg")
    young = photo_path("products/nobody/young.jpg")
    for path in (orphan, young):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"left by a crash")
    an_hour_ago = time.time() - 3600
    for path in (orphan, *photos):
        os.utime(path, (an_hour_ago, an_hour_ago))

    found = command("index", "verify")
    assert (found["sound"], found["orphans"], found["removed"]) == (True, ["products/nobody/left.jpg"], 0)
    assert orphan.exists()
    assert command("index", "verify", "--remove-orphans")["removed"] == 1
    assert not orphan.exists()
    assert young.exists()
    assert all(path.exists() for path in photos)


def photo_lost() -> None:
    photo_path(ProductImage.objects.order_by("embedding_id")[0].image.name or "").unlink()


def photo_changed() -> None:
    photo_path(ProductImage.objects.order_by("embedding_id")[0].image.name or "").write_bytes(b"other")


def row_lost() -> None:
    IndexEvent.objects.filter(embedding_id=3).delete()
    Embedding.objects.filter(pk=3).delete()


def event_lost() -> None:
    IndexEvent.objects.filter(pk=2).delete()


def row_not_withdrawn() -> None:
    IndexEvent.objects.filter(pk=6).delete()
    IndexState.objects.update(last_seq=5)


def vector_changed() -> None:
    Embedding.objects.filter(pk=3).update(vector=b"\0" * 5120)


def row_foreign() -> None:
    Embedding.objects.filter(pk=3).update(encoder_fingerprint="0" * 64)


def photo_renumbered() -> None:
    ProductImage.objects.filter(embedding_id=3).update(embedding_id=77)


@pytest.mark.parametrize(
    ("damage", "word"),
    [
        (photo_lost, "cannot be read"),
        (photo_changed, "is not the file that was stored"),
        (row_lost, "4 rows are recorded, 3 are there"),
        (event_lost, "the log has holes"),
        (row_not_withdrawn, "not on sale"),
        (vector_changed, "row 3 differs"),
        (row_foreign, "another encoder"),
        (photo_renumbered, "do not name each other"),
    ],
)
def test_verify_names_damage_and_exits_with_1(
    shop: Engine, capsys: pytest.CaptureFixture[str], damage: Any, word: str
) -> None:
    assert command("index", "snapshot")["files"]["problem"] == ""
    assert command("index", "verify")["damage"] == []
    damage()
    out = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("index", "verify", "--json", stdout=out)
    assert end.value.code == 1
    assert any(word in line for line in json.loads(out.getvalue())["damage"])


def test_status_exits_with_1_when_no_checkout_here_can_use_the_index(shop: Engine) -> None:
    out = StringIO()
    with pytest.raises(SystemExit) as end:
        call_command("index", "status", "--json", stdout=out)
    assert end.value.code == 1
    status = json.loads(out.getvalue())
    assert (status["encoder"], status["wanted_encoder"], status["usable"]) == ("thumbnail", "compact", False)
    assert status["remarks"][0].startswith("The index was made with thumbnail, this machine runs compact")


def test_status_tells_where_the_index_stands(shop: Engine) -> None:
    IndexState.objects.update(encoder="compact")
    command("index", "snapshot")
    status = index_status(load=lambda name: ThumbnailEncoder())
    assert (status.epoch, status.rows, status.active_rows, status.withdrawn_rows) == (1, 4, 2, 2)
    assert (status.last_seq, status.products, status.photos) == (6, 3, 3)
    assert (status.files.rows, status.files.problem) == (4, "")
    assert (status.usable, status.remarks) == (True, [])
    changed = index_status(load=lambda name: ThumbnailEncoder("e" * 64))
    assert not changed.usable
    assert "manage.py index rebuild" in changed.remarks[0]


def test_compact_by_command_writes_the_files_of_the_new_epoch(shop: Engine) -> None:
    done = command("index", "compact")
    assert (done["rows_before"], done["rows"], done["epoch"]) == (4, 3, 2)
    assert (done["files"]["rows"], done["files"]["problem"]) == (3, "")


def test_rebuild_by_command_names_the_encoders_there_are(shop: Engine) -> None:
    with pytest.raises(CommandError, match="compact"):
        call_command("index", "rebuild", "--encoder", "nonsense")
    assert IndexState.objects.get().epoch == 1


def test_rebuild_of_weights_that_are_not_here_says_how_to_fetch_them(
    shop: Engine, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MODELS_DIR = tmp_path / "models"
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    with pytest.raises(CommandError, match="fetch_models"):
        call_command("index", "rebuild", "--encoder", "dinov3-vitl")
    assert IndexState.objects.get().epoch == 1


def test_benchmark_index_prints_its_table(monkeypatch: pytest.MonkeyPatch) -> None:
    from recognition.vision.evaluation import index_benchmark

    for name, fewer in (("APPENDS", 3), ("SEARCHES", 3), ("STALL_TRIALS", 1), ("STALL_SLICES", 2)):
        assert getattr(index_benchmark, name) > fewer
        monkeypatch.setattr(index_benchmark, name, fewer)
    measured = command("benchmark", "index", "--sizes", "100", "200")
    assert [row["n"] for row in measured["rows"]] == [100, 200]
    assert {"append_ms", "rebuild_ms", "search_ms", "reader_stall_ms"} <= set(measured["rows"][0])
    assert measured["append_flatness"] > 0
