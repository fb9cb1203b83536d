"""The files of the index: a checked cache of the log, loaded when sound and rebuilt when not."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from django.conf import settings
from django.utils.crypto import salted_hmac
from filelock import FileLock, Timeout

from recognition.index import log
from recognition.index.log import LogDamaged
from recognition.index.state import state_current
from recognition.index.view import IndexView, view_from_database, view_make
from recognition.models import IndexState
from recognition.vision.encoders.layout import EMBEDDING_DIM
from recognition.vision.store.generations import (
    FingerprintMismatch,
    GenerationDamaged,
    GenerationStore,
    NoGeneration,
)
from recognition.vision.store.snapshot import Snapshot
from recognition.vision.types import FloatArray

logger = logging.getLogger(__name__)

KEPT_GENERATIONS = 2
NOTHING_WRITTEN = "there are none"


@dataclass(frozen=True)
class FilesStatus:
    """What the files hold, and whether they are sound; `problem` is empty when they are."""

    generation: int
    rows: int
    applied_seq: int
    problem: str


def index_key() -> bytes:
    """Return the key with which index files are signed; it changes with the secret key."""
    return salted_hmac("recognition.index.files", "", algorithm="sha256").digest()


class IndexFiles:
    """Writes and reads the generations of this machine; they hold nothing that is not in the database.

    Parameters
    ----------
    root : folder of the generations
    visual_weight : share of the visual block in the FAISS file
    """

    def __init__(self, *, root: Path | None = None, visual_weight: float | None = None) -> None:
        self.root = root or settings.DATA_DIR / "index"
        self.visual_weight = settings.VISUAL_WEIGHT if visual_weight is None else visual_weight
        self.store = GenerationStore(self.root, key=index_key())
        self.rebuilt_because = ""

    def load(self) -> IndexView:
        """Build the view of the current epoch from the files, or from the database when they cannot be used.

        A view from files is as old as they are: the tail of the log is still to be applied. What is wrong
        with them, or that there are none, is logged and kept in `rebuilt_because`.
        """
        state = state_current()
        snapshot, problem = self.read(state)
        if snapshot is None and not problem and state.row_count:
            problem = NOTHING_WRITTEN
        if snapshot is not None:
            try:
                view = view_make(
                    state,
                    blocks=_blocks(snapshot.embeddings),
                    withdrawn=snapshot.withdrawn,
                    applied_seq=snapshot.applied_seq,
                    visual_weight=self.visual_weight,
                )
            except LogDamaged as error:
                problem = str(error)
            else:
                if state_current().epoch == state.epoch:
                    return view
        start = time.monotonic()
        view = view_from_database(visual_weight=self.visual_weight)
        self.rebuilt_because = problem
        if problem:
            logger.warning(
                "the index files cannot be used (%s): rebuilt from the database, %d rows in %.1f s",
                problem,
                view.store.row_count,
                time.monotonic() - start,
            )
        return view

    def save(self) -> bool:
        """Write a generation of the current state, unless there is one or another process is writing it.

        Everything is read from the database and from the generation before, so that nothing waits for this.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        try:
            with FileLock(self.root / ".snapshot.lock", timeout=0):
                return self._save()
        except Timeout:
            return False

    def status(self) -> FilesStatus:
        """Check every byte of the live generation, and that it was made from this database's log."""
        snapshot, problem = self.read(state_current())
        return FilesStatus(
            generation=self.generation(),
            rows=0 if snapshot is None else len(snapshot.embeddings),
            applied_seq=0 if snapshot is None else snapshot.applied_seq,
            problem=problem or (NOTHING_WRITTEN if snapshot is None else ""),
        )

    def generation(self) -> int:
        """Return the number of the live generation, 0 when there is none that can be read."""
        try:
            return int(self.store.current().removeprefix("gen-"))
        except (NoGeneration, GenerationDamaged, OSError):
            return 0

    def read(self, state: IndexState) -> tuple[Snapshot | None, str]:
        """Read the live generation; None when there is none, or with the reason when it cannot be used."""
        try:
            snapshot = self.store.load(fingerprint=state.encoder_fingerprint)
        except NoGeneration:
            return None, ""
        except (GenerationDamaged, FingerprintMismatch, OSError) as error:
            return None, str(error)
        if snapshot.applied_seq > state.last_seq:
            reach = f"they reach seq {snapshot.applied_seq}, the database only {state.last_seq}"
            return None, f"{reach}: they are of another database"
        if snapshot.origin != log.log_mark(epoch=state.epoch, seq=snapshot.applied_seq):
            return None, "they were made from another log: of another database, or of an earlier epoch"
        return snapshot, ""

    def _save(self) -> bool:
        state = state_current()
        if not state.encoder_fingerprint:
            return False  # before the first registration there is nothing to keep
        mark = log.log_mark(epoch=state.epoch, seq=state.last_seq)
        snapshot, problem = self.read(state)
        if snapshot is not None and snapshot.origin == mark and snapshot.visual_weight == self.visual_weight:
            return False
        embeddings = np.empty((state.row_count, EMBEDDING_DIM), np.float32)
        known = 0 if snapshot is None else len(snapshot.embeddings)
        if snapshot is not None:
            embeddings[:known] = snapshot.embeddings
        for block in log.vectors_read(start=known, stop=state.row_count):
            embeddings[known : known + len(block)] = block
            known += len(block)
        written = Snapshot(
            embeddings=embeddings,
            labels=np.array(log.labels_read(stop=state.row_count), dtype=np.str_),
            withdrawn=tuple(log.withdrawn_read(seq=state.last_seq)),
            applied_seq=state.last_seq,
            fingerprint=state.encoder_fingerprint,
            visual_weight=self.visual_weight,
            origin=mark,
        )
        if state_current().epoch != state.epoch:
            return False  # read across a change of epoch: the next round writes the new one
        name = self.store.write(written)
        self.store.prune(KEPT_GENERATIONS)
        instead = f", instead of the last, of which {problem}" if problem else ""
        logger.info("index files: %s, %d rows, seq %d%s", name, len(embeddings), state.last_seq, instead)
        return True


def _blocks(embeddings: FloatArray) -> Iterator[FloatArray]:
    """Cut embeddings into blocks, so that only one block at a time is held fused as well."""
    for start in range(0, len(embeddings), log.READ_ROWS):
        yield embeddings[start : start + log.READ_ROWS]
