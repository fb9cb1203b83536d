"""Having the right encoder loaded: chosen by setting and index, off the request path, retried for ever."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from recognition.encoder_choice import encoder_load, encoder_name_wanted
from recognition.index.state import state_current
from recognition.vision.encoders import registry
from recognition.vision.encoders.protocol import Encoder

logger = logging.getLogger(__name__)

LOOK_S = 1.0
RETRY_MIN_S = 1.0
RETRY_MAX_S = 10.0
FAILURES_UNTIL_RELOAD = 3
"""Batches that fail in a row before the encoder itself is taken to be broken and loaded anew."""


class EncoderKeeper:
    """Loads the encoder in a thread and again when it breaks or the index changes to another.

    Parameters
    ----------
    load : loads an encoder by name
    retry_min_s, retry_max_s : pauses between tries grow from one to the other
    """

    def __init__(
        self,
        *,
        load: Callable[[str], Encoder] = encoder_load,
        retry_min_s: float = RETRY_MIN_S,
        retry_max_s: float = RETRY_MAX_S,
    ) -> None:
        self.failure = ""
        self._load = load
        self._retry_min_s = retry_min_s
        self._retry_max_s = retry_max_s
        self._encoder: Encoder | None = None
        self._loaded_name = ""
        self._failures = 0
        self._changed = threading.Condition()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="encoder-keeper", daemon=True)

    @property
    def encoder(self) -> Encoder | None:
        """The encoder in use, None while there is none."""
        return self._encoder

    def start(self) -> None:
        """Begin to load."""
        self._thread.start()

    def stop(self) -> None:
        """Stop trying; a load in progress is not waited for."""
        self._stopping.set()
        with self._changed:
            self._changed.notify_all()

    def wait(self, *, timeout_s: float) -> Encoder | None:
        """Wait until an encoder is there, or a try has failed; None when there is none."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._encoder is not None or self.failure or self._stopping.is_set(), timeout_s
            )
            return self._encoder

    def succeeded(self) -> None:
        """Note that the encoder works."""
        self._failures = 0

    def failed(self, error: BaseException) -> None:
        """Note that a batch failed; after a few in a row the encoder is dropped and loaded anew."""
        self._failures += 1
        if self._failures >= FAILURES_UNTIL_RELOAD:
            with self._changed:
                self.failure = f"the encoder fails ({error}) and is being loaded anew"
                self._encoder = None
            logger.error("the encoder failed %d times in a row and is loaded anew", self._failures)

    def _run(self) -> None:
        retry_s = self._retry_min_s
        while not self._stopping.is_set():
            try:
                self._keep()
            except Exception as error:  # noqa: BLE001 - said in the state, and tried again
                self._say(error)
                self._stopping.wait(retry_s)
                retry_s = min(2 * retry_s, self._retry_max_s)
            else:
                retry_s = self._retry_min_s
                self._stopping.wait(LOOK_S)
        connection.close()

    def _keep(self) -> None:
        try:
            index_encoder = state_current().encoder
        except DatabaseError:
            connection.close()
            if self._encoder is not None or settings.ENCODER == registry.AUTO:
                if self._encoder is None:
                    raise
                return  # the replica speaks of the database; what is loaded goes on being used
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
                self._failures, self.failure = 0, ""
                self._changed.notify_all()

    def _say(self, error: Exception) -> None:
        words = "the database cannot be reached" if isinstance(error, DatabaseError) else str(error)
        with self._changed:
            if not self.failure:
                logger.error("the encoder cannot be loaded: %s", words, exc_info=error)
            self.failure = words or type(error).__name__
            self._changed.notify_all()
