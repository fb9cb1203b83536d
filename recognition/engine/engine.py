"""The recognition engine: one for each process, shared by every caller in it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from ebrcs import metrics
from ebrcs.fair_queue import Flow
from recognition.encoder_choice import encoder_load
from recognition.engine.batch_answer import Answer, Request, batch_answer, mismatch_reasons
from recognition.engine.batcher import NOBODY, Batcher
from recognition.engine.encoder_keeper import EncoderKeeper
from recognition.engine.results import Embedded, EncoderIdentity, EngineState, Recognition
from recognition.errors import EngineBusy, EngineNotReady
from recognition.vision.batches import batches
from recognition.vision.encoders.layout import EMBEDDING_DIM
from recognition.vision.encoders.protocol import Encoder
from recognition.vision.types import Image

if TYPE_CHECKING:
    from recognition.engine.gallery import Gallery
    from recognition.index.replica import Replica
    from recognition.index.view import IndexView
    from recognition.vision.decision.decide import Candidate, Decision

CATCH_UP_S = 2.0
ENCODER_WAIT_S = 120.0
INDEX_ASK_S = 0.5
EMBED_PATIENCE_S = 60.0
REGISTRATION_BATCH = 4
"""Pictures of a registration embedded at a time, so that frames of shoppers get in between."""


class Engine:
    """Embeds pictures and matches them against this process's replica of the index.

    Parameters
    ----------
    load : loads an encoder by name; by default from the registry
    gallery : the replica with its thresholds and files; by default the shop's own
    """

    def __init__(
        self, *, load: Callable[[str], Encoder] = encoder_load, gallery: Gallery | None = None
    ) -> None:
        from recognition.engine.gallery import Gallery  # brings FAISS, which pages and commands do without

        self.keeper = EncoderKeeper(load=load)
        self.gallery = gallery or Gallery()
        self._batcher: Batcher[Request, Answer] = Batcher(
            work=lambda requests: batch_answer(requests, self.keeper, self.gallery),
            size=lambda request: len(request.images),
        )
        self._closed = False

    @property
    def replica(self) -> Replica:
        """The copy of the index in this process."""
        return self.gallery.replica

    def start(self) -> None:
        """Start to load encoder and index, each in a thread of its own."""
        self.keeper.start()
        self.gallery.start()
        self._batcher.start()

    def close(self) -> None:
        """Answer everyone who waits, and stop every thread, which closes its database connection."""
        self._closed = True
        self._batcher.close()
        self.keeper.stop()
        self.gallery.stop()

    def state(self) -> EngineState:
        """Return whether pictures can be recognized now, and why not."""
        encoder, view = self.keeper.encoder, self.replica.view
        reasons = self._reasons(encoder, view)
        warnings = [f"The index may be behind: {self.replica.failure}."] if self.replica.failure else []
        return EngineState(
            ready=not reasons,
            reasons=reasons,
            encoder=encoder.name if encoder else "",
            fingerprint=encoder.fingerprint if encoder else "",
            rows=view.store.row_count if view else 0,
            active_rows=view.store.active_count if view else 0,
            applied_seq=max(self.replica.applied_seq, 0),
            warnings=warnings + self.gallery.warnings,
        )

    def require_ready(self) -> None:
        """Refuse while pictures cannot be recognized.

        Raises
        ------
        EngineNotReady
            With the reasons of `state`.
        """
        reasons = self._reasons(self.keeper.encoder, self.replica.view)
        if reasons:
            raise EngineNotReady.because(reasons)

    def wait_ready(self, *, timeout_s: float = ENCODER_WAIT_S) -> EngineState:
        """Wait until encoder, index and thresholds are there, or a try has failed; for commands.

        A server answers as soon as it can; a command that answers once should not do so with the thresholds
        of an index that is still being measured.
        """
        deadline = time.monotonic() + timeout_s
        self.keeper.wait(timeout_s=timeout_s)
        while not self.replica.wait_for(0, timeout_s=INDEX_ASK_S):
            if self.replica.failure or time.monotonic() > deadline:
                break
        else:
            self.gallery.calibrator.wait(timeout_s=max(0.0, deadline - time.monotonic()))
        return self.state()

    def encoder_identity(self) -> EncoderIdentity:
        """Return which encoder is loaded, after waiting for a load in progress.

        Raises
        ------
        EngineNotReady
            When it cannot be loaded.
        """
        encoder = self.keeper.wait(timeout_s=ENCODER_WAIT_S)
        if encoder is None:
            raise EngineNotReady(f"The encoder is not available: {self.keeper.failure or 'still loading'}.")
        return EncoderIdentity(encoder.name, encoder.fingerprint)

    def embed(self, images: Sequence[Image]) -> Embedded:
        """Embed pictures for the index; waits for its turn and lets shoppers' frames go in between.

        Raises
        ------
        EngineNotReady, EngineBusy, EncoderFailed
            When there is no encoder, no turn within a minute, or a picture on which the encoder fails.
        """
        identity = self.encoder_identity()
        deadline = time.monotonic() + EMBED_PATIENCE_S
        vectors = [np.empty((0, EMBEDDING_DIM), np.float32)]
        for some in batches(images, REGISTRATION_BATCH):
            embedded = self._submit_patiently(Request(tuple(some), search=False), deadline).embedded
            if embedded.fingerprint != identity.fingerprint:
                raise EngineNotReady("The encoder was replaced meanwhile. Try again.")
            vectors.append(embedded.vectors)
        return Embedded(np.concatenate(vectors), identity.name, identity.fingerprint)

    def recognize(self, images: Sequence[Image], *, at_least_seq: int = 0) -> Recognition:
        """Match pictures, in one batch with those of other callers; blocks.

        Raises
        ------
        EngineNotReady, EngineBusy, EncoderFailed
            With a message for the shopper's page and a 503 for the API.
        """
        self.require_ready()
        if not self.replica.wait_for(at_least_seq, timeout_s=CATCH_UP_S):
            raise self._behind(at_least_seq)
        return _recognition(self._batcher.submit(Request(tuple(images), search=True)).result())

    async def recognize_async(
        self, images: Sequence[Image], *, at_least_seq: int = 0, flow: Flow = NOBODY
    ) -> Recognition:
        """Match pictures without ever blocking the event loop, on an index that has applied `at_least_seq`.

        A cancelled caller is skipped if its batch has not begun. Flows are served fairly (`Batcher`).

        Raises
        ------
        EngineNotReady, EngineBusy, EncoderFailed
            As `recognize`.
        """
        self.require_ready()
        if self.replica.applied_seq < at_least_seq:
            applied = asyncio.wrap_future(self.replica.when_applied(at_least_seq))
            try:
                await asyncio.wait_for(applied, CATCH_UP_S)
            except TimeoutError:
                raise self._behind(at_least_seq) from None
        answer = await asyncio.wrap_future(self._batcher.submit(Request(tuple(images), search=True), flow))
        return _recognition(answer)

    @metrics.VERIFY_SECONDS.time()
    def verify(self, pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        """Verify pictures of one item by local features, the best first, until one is accepted.

        Works in the caller's thread, some 25 ms a picture, up to half a second the first time a product is
        in question; neither the batcher nor an event loop may call it.

        Parameters
        ----------
        contenders : the few products it may be, likeliest first

        Returns
        -------
        tuple of Decision
            One for each picture that was verified; empty where none could be.
        """
        view = self.replica.view
        return () if view is None else self.gallery.verify(view, pictures, contenders)

    def _submit_patiently(self, request: Request, deadline: float) -> Answer:
        while True:
            try:
                return self._batcher.submit(request).result()
            except EngineBusy:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _reasons(self, encoder: Encoder | None, view: IndexView | None) -> list[str]:
        reasons = []
        if self._closed:
            reasons.append("Recognition is shutting down.")
        if encoder is None:
            reasons.append(
                f"The encoder is not available: {self.keeper.failure}."
                if self.keeper.failure
                else "The encoder is being loaded."
            )
        if view is None:
            reasons.append(
                f"The index is not available: {self.replica.failure}."
                if self.replica.failure
                else "The index is being loaded."
            )
        if encoder is not None and view is not None:
            reasons += mismatch_reasons(encoder, view)
        return reasons

    def _behind(self, seq: int) -> EngineNotReady:
        reason = self.replica.failure or "it is still catching up"
        return EngineNotReady(f"The index has not reached {seq} yet: {reason}.", index_seq=seq)


def _recognition(answer: Answer) -> Recognition:
    return Recognition(answer.embedded.vectors, answer.decisions, answer.timing_ms)
