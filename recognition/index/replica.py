"""The copy of the index in this process, kept up to date with the log in the database by its own thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from itertools import groupby

from django.db import Error as DatabaseError
from django.db import connection

from ebrcs.metrics import replica_lag
from recognition.errors import EngineNotReady
from recognition.index import log
from recognition.index.log import LogDamaged, LogEntry
from recognition.index.state import state_current
from recognition.models import IndexEvent, IndexState
from recognition.vision.encoders.layout import fuse
from recognition.vision.store.faiss_store import FaissStore
from recognition.vision.types import FloatArray

logger = logging.getLogger(__name__)

POLL_S = 1.0
"""How long a lost hint can delay a change; the promise to shoppers is two seconds."""


@dataclass
class IndexView:
    """The index of one epoch, as far as it has been applied.

    `product_ids` names the product of each row, or None where it must not match. Searches hold on to the view
    they began with, so that an epoch is swapped by replacing the whole view.
    """

    epoch: int
    encoder: str
    fingerprint: str
    store: FaissStore = field(default_factory=FaissStore)
    product_ids: list[str | None] = field(default_factory=list)
    applied_seq: int = 0


ViewListener = Callable[[IndexView, Sequence[int] | None], None]


class Replica:
    """Applies the log in the order of its sequence, woken by hints and at the latest by a poll.

    While the database cannot be reached the last state goes on being served and `failure` says why it may be
    behind.

    Parameters
    ----------
    visual_weight : share of the visual block in a score
    load : makes the first view of an epoch; by default from the database
    changed : called in the replica's thread with the rows that came or went, or None for a new view, before
        anyone who waits for them goes on
    """

    def __init__(
        self,
        *,
        visual_weight: float,
        load: Callable[[], IndexView] | None = None,
        changed: ViewListener | None = None,
        poll_s: float = POLL_S,
    ) -> None:
        self.visual_weight = visual_weight
        self.failure = ""
        self._load = load or (lambda: view_from_database(visual_weight=visual_weight))
        self._changed = changed
        self._poll_s = poll_s
        self._view: IndexView | None = None
        self._told_seq = -1
        self._reload = False
        self._applied = threading.Condition()
        self._waiting: list[tuple[int, Future[None]]] = []
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="index-replica", daemon=True)

    @property
    def view(self) -> IndexView | None:
        """The present view, or None before the first has been loaded."""
        return self._view

    @property
    def following(self) -> bool:
        """Whether the thread that applies the log is running."""
        return self._thread.is_alive()

    @property
    def applied_seq(self) -> int:
        """How far the log has been applied; -1 before the first view."""
        view = self._view
        return -1 if view is None else view.applied_seq

    def start(self) -> None:
        """Begin to follow the log."""
        self._thread.start()

    def stop(self) -> None:
        """Stop following and close the thread's database connection; waits for a read in progress."""
        self._stopping.set()
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join()
        with self._applied:
            left, self._waiting = self._waiting, []
        for _, future in left:
            if future.set_running_or_notify_cancel():
                future.set_exception(EngineNotReady("Recognition is shutting down."))

    def hint(self, seq: int) -> None:
        """Say that the log reaches at least `seq`: the replica looks now instead of at its next poll."""
        if seq > self.applied_seq:
            self._wake.set()

    def when_applied(self, seq: int) -> Future[None]:
        """Return a future that completes once `seq` has been applied."""
        future: Future[None] = Future()
        with self._applied:
            if self.applied_seq >= seq:
                future.set_result(None)
            else:
                waiting = [(wanted, other) for wanted, other in self._waiting if not other.cancelled()]
                self._waiting = [*waiting, (seq, future)]
        self.hint(seq)
        return future

    def wait_for(self, seq: int, *, timeout_s: float) -> bool:
        """Wait until `seq` has been applied and `changed` been called; False when the time was too short."""
        self.hint(seq)
        with self._applied:
            return self._applied.wait_for(lambda: min(self.applied_seq, self._told_seq) >= seq, timeout_s)

    def catch_up(self) -> None:
        """Apply everything committed so far; load afresh when the epoch is another one."""
        state = state_current()
        view = self._view
        outdated = view is None or view.epoch != state.epoch or state.last_seq < view.applied_seq
        if view is None or outdated or self._reload:
            view = self._load()
            self._view, self._reload = view, False
            self._announce(view, None)
        view.encoder, view.fingerprint = state.encoder, state.encoder_fingerprint
        replica_lag.note(last_seq=state.last_seq, applied_seq=view.applied_seq)
        while view.applied_seq < state.last_seq:
            entries = log.entries_after(view.applied_seq)
            if state_current().epoch != view.epoch:
                break  # those entries may be of the next epoch: the coming pass loads it
            if not entries or entries[0].seq != view.applied_seq + 1:
                raise LogDamaged(f"the log does not go on after {view.applied_seq}")
            try:
                entries_apply(view, entries, visual_weight=self.visual_weight)
            except BaseException:
                self._view = None  # half applied: nothing may be served from it
                raise
            self._announce(view, [entry.row for entry in entries])
            replica_lag.note(last_seq=state.last_seq, applied_seq=view.applied_seq)

    def _announce(self, view: IndexView, rows: Sequence[int] | None) -> None:
        try:
            if self._changed is not None:
                self._changed(view, rows)
        finally:
            self._release(view.applied_seq)

    def _release(self, told_seq: int) -> None:
        with self._applied:
            self._told_seq = told_seq
            reached = [future for seq, future in self._waiting if seq <= self.applied_seq]
            self._waiting = [(seq, future) for seq, future in self._waiting if seq > self.applied_seq]
            self._applied.notify_all()
        for future in reached:
            if future.set_running_or_notify_cancel():
                future.set_result(None)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            try:
                self.catch_up()
            except Exception as error:  # noqa: BLE001 - a replica that dies would serve old prices for ever
                self._failed(error)
            else:
                self._recovered()
            self._wake.wait(self._poll_s)
        connection.close()

    def _failed(self, error: Exception) -> None:
        if not self.failure:
            logger.error(
                "the index cannot follow the database; the last state goes on being served", exc_info=error
            )
        words = "the database cannot be reached" if isinstance(error, DatabaseError) else str(error)
        self.failure = words or type(error).__name__
        self._reload = isinstance(error, LogDamaged)
        connection.close()

    def _recovered(self) -> None:
        if self.failure:
            logger.info("the index follows the database again, seq %d", self.applied_seq)
            self.failure = ""


def entries_apply(view: IndexView, entries: Sequence[LogEntry], *, visual_weight: float) -> None:
    """Apply events to a view, in order.

    A row that the same batch adds and withdraws never matches in between: it gets its product last.

    Raises
    ------
    LogDamaged
        When an addition does not carry the next row number.
    """
    first_new_row = view.store.row_count
    withdrawn = {entry.row: entry.kind == IndexEvent.Kind.WITHDRAW for entry in entries}
    for kind, group in groupby(entries, key=lambda entry: entry.kind):
        run = list(group)
        rows = [entry.row for entry in run]
        if kind == IndexEvent.Kind.ADD:
            if rows != list(range(view.store.row_count, view.store.row_count + len(rows))):
                raise LogDamaged(f"row {rows[0]} added where row {view.store.row_count} is next")
            view.product_ids.extend(None if withdrawn[entry.row] else entry.product_id for entry in run)
            vectors = log.vectors_unpack(entry.vector or b"" for entry in run)
            view.store.add(fuse(vectors, visual_weight=visual_weight))
        elif kind == IndexEvent.Kind.WITHDRAW:
            view.store.withdraw(rows)
        else:
            view.store.restore(rows)
    for entry in entries:
        if entry.row >= first_new_row:
            view.product_ids[entry.row] = entry.product_id
    view.applied_seq = entries[-1].seq


def view_from_database(*, visual_weight: float) -> IndexView:
    """Build a view from rows and log, as they stood at one moment although nothing is locked.

    The state is read first: its row count and last sequence number belong together, and rows below that
    count never change. When the epoch has become another meanwhile, it begins anew.

    Raises
    ------
    LogDamaged
        When rows are missing.
    """
    while True:
        state = state_current()
        try:
            view = view_make(
                state,
                blocks=log.vectors_read(start=0, stop=state.row_count),
                withdrawn=log.withdrawn_read(seq=state.last_seq),
                applied_seq=state.last_seq,
                visual_weight=visual_weight,
            )
        except LogDamaged:
            if state_current().epoch == state.epoch:
                raise
        else:
            if state_current().epoch == state.epoch:
                return view


def view_make(
    state: IndexState,
    *,
    blocks: Iterable[FloatArray],
    withdrawn: Sequence[int],
    applied_seq: int,
    visual_weight: float,
) -> IndexView:
    """Build a view of the state's epoch, with the products that its rows have now.

    Parameters
    ----------
    blocks : vectors of all rows in order, float32 (n, 1280) each, unweighted
    withdrawn : rows that do not match as of `applied_seq`

    Raises
    ------
    LogDamaged
        When rows are missing.
    """
    view = IndexView(epoch=state.epoch, encoder=state.encoder, fingerprint=state.encoder_fingerprint)
    for block in blocks:
        view.store.add(fuse(block, visual_weight=visual_weight))
    view.store.withdraw(withdrawn)
    view.product_ids = log.products_read(stop=view.store.row_count)
    view.applied_seq = applied_seq
    return view
