"""The copy of the index in this process, kept up to date with the log in the database by its own thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future

from ebrcs.background import Worker
from ebrcs.metrics import replica_lag
from recognition.errors import EngineNotReady
from recognition.index import log
from recognition.index.log import LogDamaged
from recognition.index.state import state_current
from recognition.index.view import IndexView, entries_apply, view_from_database

POLL_S = 1.0
"""How long a lost hint can delay a change; the promise to shoppers is two seconds."""

ViewListener = Callable[[IndexView, Sequence[int] | None], None]


class Replica(Worker):
    """Applies the log in the order of its sequence, woken by hints and at the latest by a poll.

    While the database cannot be reached the last state stays in use; `failure` holds why it may be behind.

    Parameters
    ----------
    visual_weight : share of the visual block in a score
    load : makes the first view of an epoch; by default from the database
    changed : called in the replica's thread with the rows that came or went, or None for a new view, before
        anyone who waits for them goes on
    poll_s : longest time between two looks at the log
    """

    name = "index-replica"
    fails_message = "the index cannot follow the database; the last state stays in use"
    is_essential = True

    def __init__(
        self,
        *,
        visual_weight: float,
        load: Callable[[], IndexView] | None = None,
        changed: ViewListener | None = None,
        poll_s: float = POLL_S,
    ) -> None:
        super().__init__(retry_s=min(poll_s, POLL_S))
        self.visual_weight = visual_weight
        self._load = load or (lambda: view_from_database(visual_weight=visual_weight))
        self._view_changed = changed
        self._poll_s = poll_s
        self._view: IndexView | None = None
        self._published_seq = -1
        self._reload = False
        self._waiting: list[tuple[int, Future[None]]] = []

    @property
    def view(self) -> IndexView | None:
        """The present view, or None before the first has been loaded."""
        return self._view

    @property
    def applied_seq(self) -> int:
        """How far the log has been applied; -1 before the first view."""
        view = self._view
        return -1 if view is None else view.applied_seq

    def stop(self) -> None:
        """Stop after the read in progress, and refuse those who wait."""
        super().stop()
        with self._changed:
            left, self._waiting = self._waiting, []
        for _, future in left:
            if future.set_running_or_notify_cancel():
                future.set_exception(EngineNotReady("Recognition is shutting down."))

    def hint(self, seq: int) -> None:
        """Note that the log reaches at least `seq`: it is read now instead of at the next poll."""
        if seq > self.applied_seq:
            self.wake()

    def when_applied(self, seq: int) -> Future[None]:
        """Return a future that completes once `seq` has been applied."""
        future: Future[None] = Future()
        with self._changed:
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
        with self._changed:
            return self._changed.wait_for(
                lambda: min(self.applied_seq, self._published_seq) >= seq, timeout_s
            )

    def work(self) -> float:
        """Catch up with the log; when it is damaged, load a new view in the next round."""
        try:
            self.catch_up()
        except LogDamaged:
            self._reload = True
            raise
        return self._poll_s

    def catch_up(self) -> None:
        """Apply everything committed so far; load a new view when the epoch has changed."""
        state = state_current()
        view = self._view
        outdated = view is None or view.epoch != state.epoch or state.last_seq < view.applied_seq
        if view is None or outdated or self._reload:
            view = self._load()
            self._view, self._reload = view, False
            self._publish(view, None)
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
                self._view = None  # half applied: it must not be served
                raise
            self._publish(view, [entry.row for entry in entries])
            replica_lag.note(last_seq=state.last_seq, applied_seq=view.applied_seq)

    def _publish(self, view: IndexView, rows: Sequence[int] | None) -> None:
        try:
            if self._view_changed is not None:
                self._view_changed(view, rows)
        finally:
            self._release(view.applied_seq)

    def _release(self, seq: int) -> None:
        with self._changed:
            self._published_seq = seq
            reached = [future for wanted, future in self._waiting if wanted <= self.applied_seq]
            self._waiting = [
                (wanted, future) for wanted, future in self._waiting if wanted > self.applied_seq
            ]
            self._changed.notify_all()
        for future in reached:
            if future.set_running_or_notify_cancel():
                future.set_result(None)
