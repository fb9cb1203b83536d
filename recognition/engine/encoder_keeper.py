"""Keeps the right encoder loaded: chosen by setting and index, off the request path, retried for ever."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from ebrcs.background import Worker
from recognition.encoder_choice import encoder_load, encoder_name_wanted
from recognition.index.state import state_current
from recognition.vision.encoders import registry
from recognition.vision.encoders.protocol import Encoder

logger = logging.getLogger(__name__)

CHECK_S = 1.0
RETRY_MIN_S = 1.0
RETRY_MAX_S = 10.0
FAILURES_UNTIL_RELOAD = 3
"""Batches that fail in a row before the encoder itself is taken to be broken and loaded again."""


class EncoderKeeper(Worker):
    """Loads the encoder in a thread and again when it breaks or the index changes to another.

    Parameters
    ----------
    load : loads an encoder by name
    retry_min_s, retry_max_s : pauses between tries grow from one to the other
    """

    name = "encoder-keeper"
    fails_message = "the encoder cannot be loaded"
    waits_for_work = False

    def __init__(
        self,
        *,
        load: Callable[[str], Encoder] = encoder_load,
        retry_min_s: float = RETRY_MIN_S,
        retry_max_s: float = RETRY_MAX_S,
    ) -> None:
        super().__init__(retry_s=retry_min_s, retry_max_s=retry_max_s)
        self._load = load
        self._encoder: Encoder | None = None
        self._loaded_name = ""
        self._failed_batches = 0
        self._broken = ""

    @property
    def encoder(self) -> Encoder | None:
        """The encoder in use, None while there is none."""
        return self._encoder

    @property
    def failure(self) -> str:
        """Why there is no encoder; empty while it loads for the first time, and once it is there."""
        return super().failure or self._broken

    def wait(self, *, timeout_s: float) -> Encoder | None:
        """Wait until an encoder is there, or a try has failed; None when there is none."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._encoder is not None or self.failure or self._stopping.is_set(), timeout_s
            )
            return self._encoder

    def succeeded(self) -> None:
        """Note that the encoder works."""
        self._failed_batches = 0

    def failed(self, error: BaseException) -> None:
        """Note that a batch failed; after a few in a row the encoder is dropped and loaded again."""
        self._failed_batches += 1
        if self._failed_batches >= FAILURES_UNTIL_RELOAD:
            with self._changed:
                self._broken = f"the encoder fails ({error}) and is being loaded again"
                self._encoder = None
            logger.error("the encoder failed %d times in a row and is loaded again", self._failed_batches)

    def work(self) -> float:
        """Load the encoder that settings and index ask for, unless it is there already."""
        try:
            index_encoder = state_current().encoder
        except DatabaseError:
            connection.close()
            if self._encoder is not None:
                return CHECK_S  # the replica reports the database; what is loaded stays in use
            if settings.ENCODER == registry.AUTO:
                raise
            index_encoder = ""
        name = encoder_name_wanted(
            configured=settings.ENCODER, index_encoder=index_encoder, models_dir=settings.MODELS_DIR
        )
        if self._encoder is None or name != self._loaded_name:
            start = time.monotonic()
            encoder = self._load(name)
            logger.info("encoder %s loaded in %.1f s", encoder.name, time.monotonic() - start)
            with self._changed:
                self._encoder, self._loaded_name = encoder, name
                self._failed_batches, self._broken = 0, ""
        return CHECK_S
