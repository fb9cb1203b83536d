"""The naive design that the shop is measured against: one queue, and everything done for each frame."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from threading import Event, Thread

from django.conf import settings

from checkout.demo.clip import FRAMES_PER_SECOND
from recognition.vision.encoders.protocol import Encoder
from recognition.vision.evaluation.recognizer import Recognizer
from recognition.vision.scene.crops import cut_item
from recognition.vision.scene.decode import decode_frame
from recognition.vision.scene.foreground import ForegroundDetector


@dataclass
class StreamAnswers:
    """The answers to one camera's frames; `cart` is None where the pipeline fills none.

    `left_out` are frames that were not sent because the shop asked for fewer.
    """

    sent: int = 0
    left_out: int = 0
    dropped: int = 0
    waiting: int = 0
    answer_ms: list[float] = field(default_factory=list)
    cart: Counter[str] | None = None


class NaivePipeline:
    """One thread that takes one frame at a time and does everything for each."""

    def __init__(self, encoder: Encoder, recognizer: Recognizer) -> None:
        self._encoder, self._recognizer = encoder, recognizer
        self._queue: SimpleQueue[tuple[int, bytes, float]] = SimpleQueue()
        self._detectors: dict[int, ForegroundDetector] = {}
        self._answers: dict[int, StreamAnswers] = {}
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="naive", daemon=True)
        self._thread.start()

    async def play(self, stream: int, frames: Sequence[bytes], start_s: float) -> StreamAnswers:
        """Queue the frames of one camera."""
        answers = self._answers[stream] = StreamAnswers()
        self._detectors[stream] = ForegroundDetector()
        for number, frame in enumerate(frames):
            await asyncio.sleep(start_s + number / FRAMES_PER_SECOND - time.monotonic())
            self._queue.put((stream, frame, time.monotonic()))
            answers.sent += 1
        answers.waiting = answers.sent - len(answers.answer_ms)
        return answers

    def close(self) -> None:
        """Stop the thread; waiting frames are not answered."""
        self._stopping.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                stream, frame, received_s = self._queue.get(timeout=0.05)
            except Empty:
                continue
            picture = decode_frame(
                frame,
                max_bytes=settings.FRAME_MAX_BYTES,
                max_pixels=settings.FRAME_MAX_PIXELS,
                max_decoded_bytes=settings.FRAME_MAX_DECODED_BYTES,
            )
            scene = self._detectors[stream].detect(picture, 1.0 / FRAMES_PER_SECOND)
            for crop in [cut_item(picture, found) for found in scene.proposals] or [picture]:
                self._recognizer.match(self._encoder.encode([crop]))
            self._answers[stream].answer_ms.append(1000 * (time.monotonic() - received_s))
