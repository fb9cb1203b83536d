"""Measures how fast frames of one and of several cameras are answered, against a naive baseline."""

from __future__ import annotations

import asyncio
import io
import math
import os
import platform
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import NAMESPACE_OID, UUID, uuid4, uuid5

import numpy as np
from PIL import Image as Pictures

from checkout.demo.clip import FRAMES_PER_SECOND, clip_cart, clip_frames
from checkout.demo.drawing import VIEW_ANGLES, product_photo
from checkout.demo.packs import PACKS
from checkout.live.camera_state import CameraState
from checkout.live.connections import Connection
from checkout.live.frame_worker import FrameWorker
from checkout.live.mailbox import Mailbox
from checkout.live.product_names import ProductNames
from checkout.live.threads import flow_now, pace_now_ms, socket_flow
from checkout.models import ScanEvent
from checkout.payloads import Choice
from checkout.tools.naive_pipeline import NaivePipeline, StreamAnswers
from ebrcs.fair_queue import Flow
from recognition.engine.batcher import Batcher
from recognition.engine.results import Recognition
from recognition.vision.decision.decide import Candidate, Decision
from recognition.vision.encoders.protocol import Encoder
from recognition.vision.evaluation.processor import processor_name
from recognition.vision.evaluation.recognizer import PhotoGallery, Recognizer
from recognition.vision.lane.lane import Lane
from recognition.vision.types import Image

STREAMS = (1, 8)
JPEG_QUALITY = 80
STAGGER_S = 0.313
"""Seconds between the starts of the cameras, so that they do not show the same item at the same moment."""

IDS = {pack.name: uuid5(NAMESPACE_OID, pack.barcode) for pack in PACKS}
NAMES = {product_id: name for name, product_id in IDS.items()}

Report = Callable[[str], object]


class Pipeline(Protocol):
    """Something that answers the frames of several cameras."""

    async def play(self, stream: int, frames: Sequence[bytes], start_s: float) -> StreamAnswers:
        """Send the frames of one camera at their pace, the first at `start_s` on the monotonic clock."""

    def close(self) -> None:
        """Stop every thread."""


def benchmark_stream(
    encoder: Encoder, *, streams: Sequence[int] = STREAMS, report: Report = lambda line: None
) -> dict[str, Any]:
    """Play the demo shop's clip from several cameras at once, at the recorded ten frames a second.

    The shop's pipeline runs all of a socket but the network and the database: mailbox, frame worker,
    decoding, lane, batches across sockets, search, verification. The naive baseline gets the same frames at
    the same moments: one queue, and for each frame every foreground region, or else the whole frame, is
    embedded by itself and searched, in float32; it drops, tracks and batches nothing.

    Parameters
    ----------
    encoder : used by both pipelines
    streams : numbers of cameras, each measured in a run of its own
    report : called with each line of progress

    Returns
    -------
    ``rows``, one per number of cameras and pipeline (``way``: ``shop`` for ours, or ``naive``):

    - ``p50_ms``, ``p95_ms``, ``longest_ms``: from a frame's arrival to its answer
    - ``frames``, ``answered``, ``dropped``: dropped are frames that a newer one replaced, those that were too
      old when their turn came, and those not sent because the shop asked for fewer
    - ``waiting``: frames not answered when the last one had been sent; more than a few mean a growing queue
    - ``carts_right``: cameras whose cart equals what the clip shows

    ``naive_to_shop_p95``: for each number of cameras, the naive p95 divided by the shop's.
    ``machine`` and ``versions``: what it was measured on.
    """
    import torch

    report("drawing the clip and the gallery")
    frames = [_jpeg(frame) for frame in clip_frames()]
    shown = [(pack, view) for pack in PACKS for view in range(len(VIEW_ANGLES))]
    photos = [np.asarray(product_photo(pack, view)) for pack, view in shown]
    gallery = PhotoGallery.embed(encoder, photos, [str(IDS[pack.name]) for pack, _ in shown])
    recognizer = Recognizer(encoder, gallery)
    for position in range(len(gallery)):
        gallery.features(position)
    rows, ratios = [], {}
    for count in streams:
        pair = []
        for name, make in (("shop", ShopPipeline), ("naive", NaivePipeline)):
            report(f"{count} cameras, {name}: {len(frames) / FRAMES_PER_SECOND:.0f} s")
            measured = asyncio.run(_measure(make(encoder, recognizer), count, frames))
            pair.append({"streams": count, "way": name, **measured})
        rows += pair
        ratios[str(count)] = round(pair[1]["p95_ms"] / pair[0]["p95_ms"], 1)
    return {
        "rows": rows,
        "naive_to_shop_p95": ratios,
        "encoder": encoder.name,
        "machine": {
            "processor": processor_name(),
            "processors": os.cpu_count(),
            "threads": torch.get_num_threads(),
        },
        "versions": {"python": platform.python_version(), "torch": torch.__version__},
    }


def _jpeg(frame: Pictures.Image) -> bytes:
    stream = io.BytesIO()
    frame.save(stream, "JPEG", quality=JPEG_QUALITY)
    return stream.getvalue()


async def _measure(pipeline: Pipeline, count: int, frames: Sequence[bytes]) -> dict[str, Any]:
    start_s = time.monotonic() + 0.5
    try:
        played = await asyncio.gather(
            *(pipeline.play(stream, frames, start_s + stream * STAGGER_S) for stream in range(count))
        )
    finally:
        pipeline.close()
    times_ms = np.array([answer for answers in played for answer in answers.answer_ms])
    measured: dict[str, Any] = {
        "p50_ms": round(float(np.percentile(times_ms, 50)), 1),
        "p95_ms": round(float(np.percentile(times_ms, 95)), 1),
        "longest_ms": round(float(times_ms.max()), 1),
        "frames": sum(answers.sent for answers in played),
        "answered": len(times_ms),
        "dropped": sum(answers.dropped for answers in played),
        "waiting": sum(answers.waiting for answers in played),
    }
    carts = [answers.cart for answers in played if answers.cart is not None]
    return measured | ({"carts_right": sum(cart == clip_cart() for cart in carts)} if carts else {})


class ShopPipeline:
    """Answers as the sockets of a running shop do: one frame worker per camera, batches across them."""

    def __init__(self, encoder: Encoder, recognizer: Recognizer) -> None:
        self._encoder, self._recognizer = encoder, recognizer
        self._batcher: Batcher[Sequence[Image], Recognition] = Batcher(work=self._work, size=len)
        self._batcher.start()

    async def play(self, stream: int, frames: Sequence[bytes], start_s: float) -> StreamAnswers:
        """Send the frames of one camera through a frame worker of its own."""
        answers, sent_s = StreamAnswers(cart=Counter()), -math.inf
        socket_flow.set(Flow(stream, stream))
        worker = ClipFrameWorker(
            uuid4(),
            Connection(CameraState(Lane())),
            Mailbox(),
            self,
            _nothing,
            _nothing,
            names=ClipNames(),
        )
        working = asyncio.create_task(worker.answer_all(answers, len(frames)))
        try:
            for number, frame in enumerate(frames):
                due_s = start_s + number / FRAMES_PER_SECOND
                await asyncio.sleep(due_s - time.monotonic())
                soonest_s = sent_s + pace_now_ms() / 1000 - 0.5 / FRAMES_PER_SECOND
                if due_s < soonest_s and number < len(frames) - 1:
                    answers.left_out += 1
                    answers.dropped += 1
                    answers.sent += 1
                    continue
                sent_s = due_s
                worker.mailbox.put(frame, time.monotonic())
                answers.sent += 1
            answers.waiting = worker.mailbox.is_full + worker.is_working
            await working
        finally:
            working.cancel()
            await asyncio.wait([working])
        return answers

    def close(self) -> None:
        """Stop the batcher."""
        self._batcher.close()

    async def recognize(self, pictures: Sequence[Image]) -> Recognition:
        """Embed and match pictures in a batch with those of the other streams."""
        return await asyncio.wrap_future(self._batcher.submit(pictures, flow_now()))

    def verify(self, pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        """Verify pictures of one item."""
        return self._recognizer.verify(pictures, contenders)

    def _work(self, requests: Sequence[Sequence[Image]]) -> list[Recognition]:
        started_s = time.perf_counter()
        embeddings = self._encoder.encode([crop for crops in requests for crop in crops])
        embedded_s = time.perf_counter()
        decisions = self._recognizer.match(embeddings)
        timing_ms = {
            "embed": 1000 * (embedded_s - started_s),
            "search": 1000 * (time.perf_counter() - embedded_s),
        }
        work_ms = sum(timing_ms.values()) / len(embeddings)
        recognitions, first = [], 0
        for crops in requests:
            part = slice(first, first + len(crops))
            timing = timing_ms | {"work": work_ms * len(crops)}
            recognitions.append(Recognition(embeddings[part], decisions[part], timing))
            first = part.stop
        return recognitions


@dataclass
class ClipFrameWorker(FrameWorker):
    """A frame worker that collects its cart instead of storing it."""

    is_working: bool = False

    async def answer_all(self, answers: StreamAnswers, count: int) -> None:
        """Answer frames up to number `count`; record answer times, dropped frames and the cart."""
        assert answers.cart is not None
        number = 0
        while number + answers.left_out < count:
            frame = await self.mailbox.take()
            self.is_working = True
            answer = await self._answer(frame)
            self.is_working = False
            number = frame.number  # of the frame that was worked on, perhaps a newer one
            answers.dropped += frame.dropped
            if answer["type"] == "frame.result":
                answers.answer_ms.append(1000 * (time.monotonic() - frame.received_s))
            elif answer["code"] == "late_frame":
                answers.dropped += 1
            else:
                raise RuntimeError(f"a frame was answered with {answer['code']}: {answer['detail']}")
            changes = self.connection.camera.changes
            answers.cart.update(
                NAMES[change.product_id]
                for change in changes
                if change.action == ScanEvent.Action.ADD and change.product_id is not None
            )
            changes.clear()


class ClipNames(ProductNames):
    """The names of the demo shop's products."""

    async def get(self, product_ids: set[str]) -> dict[str, Choice]:
        """Return the names of these products."""
        return {
            product_id: {
                "product_id": product_id,
                "name": NAMES[UUID(product_id)],
                "image": None,
                "price": None,
            }
            for product_id in product_ids
        }


async def _nothing(_message: object) -> None:
    """Send nothing."""
