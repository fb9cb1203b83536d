"""The index of one epoch in memory: built from the database, and changed by the events of the log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from recognition.index import log
from recognition.index.log import LogDamaged, LogEntry
from recognition.index.state import state_current
from recognition.models import IndexEvent, IndexState
from recognition.vision.encoders.layout import fuse
from recognition.vision.store.faiss_store import FaissStore
from recognition.vision.types import FloatArray


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
    count never change. When the epoch has changed meanwhile, it starts over.

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
