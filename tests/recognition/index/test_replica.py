"""A replica follows the log in its order, through outages, epochs and late comers."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.db import OperationalError, close_old_connections, connection, connections, transaction

from catalog.models import ProductImage
from recognition import services
from recognition.engine.engine import Engine
from recognition.index import log, replica
from recognition.index.maintenance import index_compact
from recognition.index.replica import Replica
from recognition.index.view import IndexView, view_from_database
from recognition.index.writer_lock import writer_lock
from recognition.models import Embedding, IndexEvent, IndexState
from tests.recognition.pictures import picture, upload
from tests.waiting import until

WRITERS = 8
WRITES = 6


def in_threads(count: int, work: Any) -> list[Any]:
    def run(number: int) -> Any:
        try:
            return work(number)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_concurrent_registrations_get_dense_rows_and_numbers(engine: Engine) -> None:
    def write(writer: int) -> list[int]:
        return [
            services.product_register(
                name=f"{writer}/{number}", uploads=[upload(100 * writer + number)]
            ).index_seq
            for number in range(WRITES)
        ]

    seqs = [seq for found in in_threads(WRITERS, write) for seq in found]
    total = WRITERS * WRITES
    assert sorted(seqs) == list(range(1, total + 1))
    assert list(Embedding.objects.values_list("id", flat=True)) == list(range(total))
    assert list(IndexEvent.objects.values_list("seq", "embedding_id")) == [(n + 1, n) for n in range(total)]
    named = ProductImage.objects.order_by("embedding_id").values_list("embedding_id", flat=True)
    assert list(named) == list(range(total))
    assert engine.replica.wait_for(total, timeout_s=20)
    assert engine.replica.failure == ""
    assert engine.state().active_rows == total


def missed_by_polling(insert: Any) -> int:
    """Poll a log with `seq > last` while eight writers insert, and count what the poll never saw."""
    finished = threading.Event()
    seen: set[int] = set()

    def poll() -> None:
        last = 0
        with connection.cursor() as cursor:
            while True:
                done = finished.is_set()
                cursor.execute("SELECT seq FROM polled_log WHERE seq > %s ORDER BY seq", [last])
                found = [seq for (seq,) in cursor.fetchall()]
                seen.update(found)
                last = found[-1] if found else last
                if done:
                    break
        connections.close_all()

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE polled_log (seq bigserial PRIMARY KEY, writer int)")
    poller = threading.Thread(target=poll)
    poller.start()
    try:
        in_threads(WRITERS, lambda writer: [insert(writer) for _ in range(25)])
        finished.set()
        poller.join()
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM polled_log")
            stored: int = cursor.fetchone()[0]
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TABLE polled_log")
    assert stored == WRITERS * 25
    return stored - len(seen)


def insert_slowly(writer: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("INSERT INTO polled_log (writer) VALUES (%s)", [writer])
        cursor.execute("SELECT pg_sleep(random() * 0.01)")


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_polled_sequence_misses_rows_that_commit_late() -> None:
    def insert(writer: int) -> None:
        with transaction.atomic():
            insert_slowly(writer)

    assert missed_by_polling(insert) > 0


@pytest.mark.postgres
@pytest.mark.django_db(transaction=True)
def test_polled_sequence_handed_out_under_the_writer_lock_misses_none() -> None:
    def insert(writer: int) -> None:
        with transaction.atomic(), writer_lock():
            insert_slowly(writer)

    assert missed_by_polling(insert) == 0


@pytest.mark.django_db(transaction=True)
def test_writer_lock_needs_a_transaction() -> None:
    with pytest.raises(transaction.TransactionManagementError), writer_lock():
        pass
    assert not IndexState.objects.exists()


def test_waiting_for_a_number_ends_after_the_view_listener_was_called(engine: Engine) -> None:
    published: list[int] = []

    def publish_slowly(view: IndexView, rows: Sequence[int] | None) -> None:
        time.sleep(0.3)
        published.append(view.applied_seq)

    follower = Replica(visual_weight=0.7, changed=publish_slowly)
    follower.start()
    try:
        assert follower.wait_for(0, timeout_s=20)
        assert published == [0]
        made = services.product_register(name="Milk", uploads=[upload(1)])
        until(lambda: follower.applied_seq == made.index_seq)
        assert follower.wait_for(made.index_seq, timeout_s=20)
        assert published == [0, made.index_seq]
    finally:
        follower.stop()


@pytest.mark.django_db(transaction=True)
def test_numbers_of_a_failed_transaction_are_handed_out_again(engine: Engine) -> None:
    services.product_register(name="Milk", uploads=[upload(1)])

    def withdraw_and_fail() -> None:
        with transaction.atomic(), writer_lock() as writer:
            writer.events_append(IndexEvent.Kind.WITHDRAW, [0])
            raise RuntimeError

    with pytest.raises(RuntimeError):
        withdraw_and_fail()
    made = services.product_register(name="Tea", uploads=[upload(2)])
    assert (made.index_seq, made.images[0].embedding_id) == (2, 1)


def test_replica_serves_its_last_state_while_the_database_is_gone_and_recovers(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.product_register(name="Milk", uploads=[upload(1)])

    def gone() -> IndexState:
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(replica, "state_current", gone)
    until(lambda: bool(engine.replica.failure))
    state = engine.state()
    assert state.ready
    assert state.warnings == ["The index may be behind: the database cannot be reached."]
    assert engine.recognize([picture(1)]).decisions[0].state == "accepted"
    monkeypatch.undo()
    made = services.product_register(name="Tea", uploads=[upload(2)])
    assert engine.replica.wait_for(made.index_seq, timeout_s=20)
    until(lambda: engine.state().warnings == [])


@pytest.mark.postgres
def test_replica_reconnects_after_its_connection_was_cut(engine: Engine) -> None:
    services.product_register(name="Milk", uploads=[upload(1)])
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        assert cursor.fetchone()[0] >= 1
    made = services.product_register(name="Tea", uploads=[upload(2)])
    assert engine.replica.wait_for(made.index_seq, timeout_s=20)
    assert engine.recognize([picture(2)]).decisions[0].state == "accepted"


def test_new_epoch_is_loaded_afresh_and_the_view_swapped(engine: Engine) -> None:
    milk = services.product_register(name="Milk", uploads=[upload(1), upload(2)])
    tea = services.product_register(name="Tea", uploads=[upload(3)])
    services.product_image_delete(image_id=milk.images[0].pk)
    old_view = engine.replica.view
    change = index_compact()
    assert (change.rows_before, change.rows, change.epoch, change.index_seq) == (3, 2, 2, 6)
    assert engine.replica.wait_for(change.index_seq, timeout_s=20)
    view = engine.replica.view
    assert view is not None
    assert old_view is not None
    assert view is not old_view
    assert (view.epoch, view.store.row_count, view.applied_seq) == (2, 2, 6)
    assert old_view.store.row_count == 3
    assert view.product_ids == [str(milk.product.pk), str(tea.product.pk)]
    candidates = engine.recognize([picture(3)]).decisions[0].candidates
    assert (candidates[0].product_id, candidates[0].row) == (str(tea.product.pk), 1)


def test_replica_built_from_the_log_equals_one_built_from_the_rows(engine: Engine) -> None:
    made = [services.product_register(name=f"P{n}", uploads=[upload(n), upload(100 + n)]) for n in range(4)]
    services.product_set_active(product_id=made[0].product.pk, is_active=False)
    services.product_set_active(product_id=made[1].product.pk, is_active=False)
    services.product_set_active(product_id=made[1].product.pk, is_active=True)
    services.product_delete(product_id=made[2].product.pk)
    followed = engine.replica.view
    loaded = view_from_database(visual_weight=0.7)
    assert followed is not None
    assert followed.applied_seq == loaded.applied_seq == 8 + 2 + 4 + 2
    rows = range(8)
    active = [loaded.store.is_active(row) for row in rows]
    assert active == [False, False, True, True, False, False, True, True]
    assert [followed.store.is_active(row) for row in rows] == active
    assert (followed.store.vectors(rows) == loaded.store.vectors(rows)).all()
    assert [loaded.product_ids[row] for row in (2, 3, 4, 5)] == [str(made[1].product.pk)] * 2 + [None] * 2


@pytest.mark.django_db(transaction=True)
def test_a_hole_in_the_log_is_an_error_and_nothing_is_skipped(engine: Engine) -> None:
    services.product_register(name="Milk", uploads=[upload(1)])
    following = Replica(visual_weight=0.7)
    following.catch_up()
    IndexState.objects.update(last_seq=3)
    with pytest.raises(log.LogDamaged):
        following.catch_up()
    assert following.applied_seq == 1
    close_old_connections()


def test_vectors_are_read_in_order_whatever_the_size_of_a_block(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    services.product_register(name="Milk", uploads=[upload(number) for number in range(7)])
    stored = [bytes(row.vector) for row in Embedding.objects.order_by("id")]
    for rows in (1, 2, 3, 7, 100):
        monkeypatch.setattr(log, "READ_ROWS", rows)
        blocks = list(log.vectors_read(start=1, stop=6))
        assert [vector.tobytes() for block in blocks for vector in block] == stored[1:6]
        assert all(block.shape[1:] == (1280,) and block.dtype == "float32" for block in blocks)
    assert [len(block) for block in log.vectors_read(start=3, stop=3) if len(block)] == []
    with pytest.raises(log.LogDamaged, match="8 expected, 7 found"):
        list(log.vectors_read(start=0, stop=8))
