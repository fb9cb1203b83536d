"""The audit of the live catalog: runs in a thread, publishes its progress, and keeps its findings."""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal, TypedDict

import numpy as np
from django.conf import settings
from django.core.cache import cache
from django.utils.translation import gettext_noop

from ebrcs.background import thread_start
from ebrcs.errors import EbrcsError
from recognition.engine.engine import ENCODER_WAIT_S, Engine
from recognition.engine.shared import engine
from recognition.errors import EngineNotReady
from recognition.index.state import state_current
from recognition.models import Embedding
from recognition.photos.files import PHOTO_UNREADABLE, photo_file_read
from recognition.vision.encoders.layout import EMBEDDING_DIM

if TYPE_CHECKING:
    from recognition.vision.evaluation.recognizer import Recognizer
    from recognition.vision.types import Image

logger = logging.getLogger(__name__)

CACHE_KEY = "catalog-audit"
KEPT_S = 7 * 24 * 3600
PROGRESS_S = 0.5
"""Pause between two reports of the progress."""

SILENT_MAX_S = ENCODER_WAIT_S + 60.0
"""An audit of another process that reported nothing for so long has ended with it. It reports nothing while
it waits for the encoder and reads the vectors."""

FEATURES_KEPT = 2000
"""Photos whose keypoints are kept in memory: some 90 MB."""

INTERRUPTED = gettext_noop("It was interrupted.")
LOGGED = gettext_noop("See the server log for details.")

LOOK_ALIKES_KEPT = 3
NICENESS = 10

Status = Literal["never", "running", "done", "failed"]


class CheckState(TypedDict):
    """How far the check is, or what it found.

    `seq` is the last sequence number of the index when it began; `at_s` when this was written, in seconds
    since 1970. `products` holds the fields of `ProductCheck`, photos by their ids, the weakest first.
    """

    status: Status
    done: int
    total: int
    at_s: float
    seq: int
    failure: str
    products: list[dict[str, Any]]


class _Stopped(Exception):
    """The process is ending."""


class CatalogAudit:
    """Runs at most one check in this process; every process that shares the cache shows its state."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._reported_s = 0.0

    def state(self) -> CheckState:
        """Return the state of the last check; one that stopped reporting has failed."""
        state: CheckState | None = cache.get(CACHE_KEY)
        if state is None:
            return _state("never")
        mine = self._thread is not None and self._thread.is_alive()
        if state["status"] == "running" and not mine and time.time() - state["at_s"] > SILENT_MAX_S:
            return {**state, "status": "failed", "failure": INTERRUPTED}
        return state

    def start(self) -> bool:
        """Begin a check, unless one is running."""
        with self._lock:
            if self.state()["status"] == "running":
                return False
            cache.set(CACHE_KEY, _state("running"), KEPT_S)
            self._thread = thread_start(self._run, name="catalog-audit", niceness=NICENESS)
            return True

    def wait(self, *, timeout_s: float) -> bool:
        """Wait for the check of this process to end; False when the time was too short."""
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._thread is None or not self._thread.is_alive()

    def stop(self) -> None:
        """End the check of this process after the photo in progress."""
        self._stopping.set()
        self.wait(timeout_s=10.0)

    def _run(self) -> None:
        try:
            cache.set(CACHE_KEY, self._checked(), KEPT_S)
        except _Stopped:
            cache.set(CACHE_KEY, _state("failed", failure=INTERRUPTED), KEPT_S)
        except EbrcsError as error:
            cache.set(CACHE_KEY, _state("failed", failure=error.detail), KEPT_S)
        except Exception:
            logger.exception("the catalog could not be checked")
            cache.set(CACHE_KEY, _state("failed", failure=LOGGED), KEPT_S)

    def _checked(self) -> CheckState:
        from recognition.vision.evaluation.catalog_audit import (
            photos_left_out,
            positions_checked,
            products_judged,
        )

        seq = state_current().last_seq
        recognizer, image_ids = catalog_recognizer(engine())
        total, done = len(positions_checked(recognizer)), 0

        def photo_done() -> None:
            nonlocal done
            done += 1
            if self._stopping.is_set():
                raise _Stopped
            if time.monotonic() - self._reported_s > PROGRESS_S:
                self._reported_s = time.monotonic()
                cache.set(CACHE_KEY, _state("running", done=done, total=total, seq=seq), KEPT_S)

        left_out = photos_left_out(recognizer, done=photo_done)
        checks = products_judged(Counter(recognizer.gallery.products), left_out)
        found = []
        for check in checks:
            likes = [
                {**asdict(like), "picture": image_ids[like.picture], "matched": image_ids[like.matched]}
                for like in check.looks_like[:LOOK_ALIKES_KEPT]
            ]
            found.append({**asdict(check), "looks_like": likes, "advice": check.advice})
        return _state("done", done=total, total=total, seq=seq, products=found)


def catalog_recognizer(engine: Engine) -> tuple[Recognizer, list[str]]:
    """Build a recognizer over all photos on sale with the current thresholds, and return their images.

    Stored vectors are read, nothing is embedded. Photo files are read where verification needs them; one that
    cannot be read is compared by its vector alone.

    Returns
    -------
    Recognizer and, for each photo of its gallery, the id of the image

    Raises
    ------
    EngineNotReady
        When nothing could be recognized at the checkout either.
    """
    from recognition.vision.evaluation.recognizer import PhotoGallery, Recognizer

    state = engine.wait_ready()
    if not state.ready:
        raise EngineNotReady.because(state.reasons)
    active = Embedding.objects.filter(
        product_image__product__is_active=True, encoder_fingerprint=state.fingerprint
    )
    rows = active.order_by("id").values_list(
        "vector", "product_image_id", "product_image__product_id", "product_image__image"
    )
    vectors, image_ids, products, names = [], [], [], []
    for vector, image_id, product_id, name in rows.iterator(chunk_size=500):
        vectors.append(np.frombuffer(bytes(vector), "<f4"))
        image_ids.append(str(image_id))
        products.append(str(product_id))
        names.append(str(name))

    def read(position: int) -> Image:
        try:
            return photo_file_read(names[position])
        except PHOTO_UNREADABLE:
            return np.zeros((1, 1, 3), np.uint8)

    gallery = PhotoGallery(
        np.array(vectors, np.float32).reshape(-1, EMBEDDING_DIM), products, read, features_max=FEATURES_KEPT
    )
    recognizer = Recognizer(
        None,
        gallery,
        false_accept_target=settings.FALSE_ACCEPT_RATE,
        visual_weight=settings.VISUAL_WEIGHT,
        thresholds=engine.gallery.calibrator.thresholds,
    )
    return recognizer, image_ids


def _state(
    status: Status,
    *,
    done: int = 0,
    total: int = 0,
    seq: int = 0,
    failure: str = "",
    products: list[dict[str, Any]] | None = None,
) -> CheckState:
    return {
        "status": status,
        "done": done,
        "total": total,
        "at_s": time.time(),
        "seq": seq,
        "failure": failure,
        "products": products or [],
    }


catalog_audit = CatalogAudit()
atexit.register(catalog_audit.stop)
