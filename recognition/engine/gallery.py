"""The gallery that pictures are matched with: the replica, the thresholds of its products, and its files."""

from __future__ import annotations

from collections.abc import Sequence

from recognition.engine.calibrator import Calibrator
from recognition.engine.photo_features import PhotoFeatures
from recognition.index.files import IndexFiles
from recognition.index.hints import HintListener, subscribe, unsubscribe
from recognition.index.replica import POLL_S, Replica
from recognition.index.snapshots import SnapshotKeeper
from recognition.index.view import IndexView
from recognition.vision.decision.decide import Candidate, Decision
from recognition.vision.decision.matching import match
from recognition.vision.decision.verification import photos_needed, verify_pictures
from recognition.vision.types import FloatArray, Image


class Gallery:
    """Finds the products nearest to a picture and decides whether one of them is what it shows.

    Parameters
    ----------
    files : where snapshots are kept; by default the shop's own
    poll_s : longest time between two looks at the log
    """

    def __init__(self, *, files: IndexFiles | None = None, poll_s: float = POLL_S) -> None:
        self.files = files or IndexFiles()
        self.calibrator = Calibrator()
        self.features = PhotoFeatures()
        self.snapshots = SnapshotKeeper(self.files)
        self.replica = Replica(
            visual_weight=self.files.visual_weight,
            load=self.files.load,
            changed=self._rows_changed,
            poll_s=poll_s,
        )
        self.hints = HintListener(self.replica.hint)

    @property
    def warnings(self) -> list[str]:
        """What is wrong with the files although recognition works without them."""
        found = []
        if self.files.rebuilt_because:
            found.append(f"The index files could not be used: {self.files.rebuilt_because}.")
        if self.snapshots.failure:
            found.append(f"The index files cannot be written: {self.snapshots.failure}.")
        if self.calibrator.failure:
            found.append(f"The thresholds cannot be measured: {self.calibrator.failure}.")
        return found

    def start(self) -> None:
        """Start to follow the log and to save files."""
        self.replica.start()
        subscribe(self.replica)
        self.hints.start()
        self.snapshots.start()
        self.calibrator.start()
        self.features.start()

    def stop(self) -> None:
        """Stop every thread, which closes its database connection."""
        unsubscribe(self.replica)
        self.hints.stop()
        self.replica.stop()
        self.snapshots.stop()
        self.calibrator.stop()
        self.features.stop()

    def decide(self, view: IndexView, queries: FloatArray) -> list[Decision]:
        """Match fused vectors, float32 (n, 1280), and decide on each; photos in question are made ready."""
        thresholds = self.calibrator.thresholds
        decisions = match(view.store, view.product_ids, queries, thresholds)
        wanted = [row for decision in decisions for row in photos_needed(decision.candidates)]
        self.features.want(dict.fromkeys(wanted))
        return decisions

    def verify(
        self, view: IndexView, pictures: Sequence[Image], contenders: Sequence[Candidate]
    ) -> tuple[Decision, ...]:
        """Verify pictures of one item in turn until one is accepted: decisions by embedding and artwork.

        Empty where there was no photo to compare them with.
        """
        photos = self.features.get(view, photos_needed(contenders)) if contenders else {}
        return verify_pictures(pictures, contenders, self.calibrator.thresholds, photos)

    def _rows_changed(self, view: IndexView, rows: Sequence[int] | None) -> None:
        self.snapshots.changed()
        self.calibrator.changed(view, rows)
        self.features.rows_changed(rows)
