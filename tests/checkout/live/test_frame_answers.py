"""How frames are answered, one by one, in this process: by real lanes, with recognition by colour."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from django.db import OperationalError

from accounts.models import User
from catalog.models import Product
from checkout.cart import selectors, services
from checkout.live import camera_state, frame_worker, product_names
from checkout.live.camera_state import CameraState
from checkout.live.connections import Connection
from checkout.live.frame_worker import FrameWorker
from checkout.live.mailbox import Mailbox
from checkout.live.pending_changes import Change
from checkout.live.product_names import ProductNames
from checkout.live.threads import in_database, socket_flow
from checkout.models import BillingItem, CheckoutSession, ScanEvent
from checkout.payloads import Choice
from ebrcs.fair_queue import Flow
from recognition.engine.results import Recognition
from recognition.errors import EngineNotReady
from recognition.vision.decision.decide import Candidate, Decision
from recognition.vision.lane.lane import Lane
from tests.checkout.colours import BLUE_ID, COLOURS, GREEN_ID, RED_ID
from tests.checkout.serving import jpeg
from tests.checkout.shop import coloured_tea_make, product_make, seen
from tests.recognition.vision.scenes import (
    RED,
    YELLOW,
    Image,
    Pack,
    Stage,
    colour_embeddings,
    decision_by_colour,
)

pytestmark = pytest.mark.django_db(transaction=True)

MIDDLE = (160.0, 115.0)


@pytest.fixture
def session(shopper: User) -> CheckoutSession:
    coloured_tea_make()
    return services.session_start(user=shopper)


class Worker:
    """A frame worker and its answers."""

    def __init__(self, session_id: UUID) -> None:
        self.answered: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.told: list[Any] = []
        self.fault: Exception | None = None
        self.connection = Connection(CameraState(Lane()))
        self.mailbox = Mailbox()
        self.worker = FrameWorker(session_id, self.connection, self.mailbox, self, self.send, self.tell)

    async def recognize(self, pictures: Sequence[Image]) -> Recognition:
        if self.fault is not None:
            raise self.fault
        embeddings = colour_embeddings(pictures)
        decisions = [decision_by_colour(row, COLOURS) for row in embeddings]
        return Recognition(embeddings, decisions, {"embed": 1.26, "search": 0.04, "wait": 9.0})

    def verify(self, pictures: Sequence[Image], contenders: Sequence[Candidate]) -> tuple[Decision, ...]:
        return ()

    async def send(self, message: Any) -> None:
        if "frame" in message:
            self.answered.put_nowait(message)

    async def tell(self, event: Any) -> None:
        self.told.append(event)

    async def answer(self, frame: Image | bytes, *, age_s: float = 0.0) -> dict[str, Any]:
        """Show a frame; return its answer once what it led to is stored."""
        data = frame if isinstance(frame, bytes) else jpeg(frame)
        self.mailbox.put(data, time.monotonic() - age_s)
        answer = await asyncio.wait_for(self.answered.get(), 60)
        async with self.connection.camera.storing:
            return answer

    async def answers(self, frames: Sequence[Image]) -> list[dict[str, Any]]:
        return [await self.answer(frame) for frame in frames]


@asynccontextmanager
async def working(session: CheckoutSession) -> AsyncIterator[Worker]:
    worker = Worker(session.pk)
    socket_flow.set(Flow(session.user_id, worker))  # its own, or the pace would be that of earlier tests, too
    running = asyncio.create_task(worker.worker.run())
    try:
        yield worker
    finally:
        running.cancel()
        await asyncio.wait([running])


async def stored(**fields: Any) -> list[ScanEvent]:
    return await in_database(lambda: list(ScanEvent.objects.filter(**fields)))


async def test_two_sockets_that_had_one_camera_store_each_of_its_changes(session: CheckoutSession) -> None:
    before, after = Worker(session.pk), Worker(session.pk)
    camera = after.connection.camera = before.connection.camera
    for product_id in (RED_ID, BLUE_ID, GREEN_ID):
        camera.changes.append(Change(ScanEvent.Action.ADD, product_id, seen(0.9)))
    await asyncio.gather(before.worker.store(), after.worker.store())
    added = await stored(action=ScanEvent.Action.ADD)
    assert {event.product_id for event in added} == {RED_ID, BLUE_ID, GREEN_ID}
    assert camera.changes == []


def lying(colour: tuple[int, int, int], frames: int) -> list[Image]:
    stage = Stage()
    return stage.empty(5) + [stage.frame(Pack(colour, MIDDLE)) for _ in range(frames)]


async def test_an_item_is_shown_with_its_name_and_stored_and_told_once(session: CheckoutSession) -> None:
    async with working(session) as worker:
        answers = await worker.answers(lying(RED, 12))
    assert [answer["frame"] for answer in answers] == list(range(1, 18))
    assert {answer["type"] for answer in answers} == {"frame.result"}
    assert answers[2]["detections"] == []
    (item,) = answers[-1]["detections"]
    assert (item["state"], item["product_id"], item["name"]) == ("accepted", str(RED_ID), "Red tea")
    assert "why" not in item
    assert "debug" not in answers[-1]
    assert [event["action"] for event in worker.told] == ["add"]
    (event,) = await stored(action=ScanEvent.Action.ADD)
    assert bytes(event.thumbnail or b"")[:2] == b"\xff\xd8"
    assert (await in_database(BillingItem.objects.get)).quantity == 1


async def test_an_answer_says_how_long_each_step_took_to_a_tenth(session: CheckoutSession) -> None:
    async with working(session) as worker:
        answers = await worker.answers(lying(RED, 4))
    nothing, looked = answers[0]["timing_ms"], answers[6]["timing_ms"]
    assert set(nothing) == set(looked) == {"decode", "embed", "search", "total"}
    assert (nothing["embed"], nothing["search"]) == (0.0, 0.0)
    assert (looked["embed"], looked["search"]) == (1.3, 0.0)
    assert 0 < looked["decode"] <= looked["total"]
    assert looked["total"] == round(looked["total"], 1)


async def test_why_is_said_only_while_it_is_asked_for(session: CheckoutSession) -> None:
    frames = lying(RED, 14)
    async with working(session) as worker:
        worker.connection.explains = True
        explained = (await worker.answers(frames[:12]))[-1]
        worker.connection.explains = False
        plain = (await worker.answers(frames[12:]))[-1]
    assert explained["debug"]["changed"]
    assert explained["debug"]["zone"] == [0.0, 0.0, 1.0, 1.0]
    assert explained["detections"][0]["why"]["sightings"] == 7
    assert "debug" not in plain
    assert "why" not in plain["detections"][0]


async def test_an_unknown_item_is_noted_once_with_its_picture(session: CheckoutSession) -> None:
    async with working(session) as worker:
        await worker.answers(lying(YELLOW, 30))
        assert len(worker.connection.camera.recorded) == 1
    (noted,) = await stored()
    assert (noted.action, noted.product_id) == (ScanEvent.Action.UNKNOWN, None)
    assert bytes(noted.thumbnail or b"")[:2] == b"\xff\xd8"
    assert noted.score is not None
    assert worker.told == []


@pytest.mark.parametrize(("waiting", "is_noted"), [(99, True), (100, False)])
async def test_while_a_hundred_changes_wait_for_the_database_unknown_items_are_not_noted(
    session: CheckoutSession, monkeypatch: pytest.MonkeyPatch, waiting: int, is_noted: bool
) -> None:
    def away(**_: object) -> None:
        raise OperationalError("the database is away")

    monkeypatch.setattr(frame_worker, "change_store", away)
    async with working(session) as worker:
        camera = worker.connection.camera
        camera.changes += [Change(ScanEvent.Action.ADD, RED_ID, seen(0.9)) for _ in range(waiting)]
        await worker.answers(lying(YELLOW, 14))
        assert len(camera.changes) == 100
        assert len(camera.recorded) == is_noted


@pytest.mark.parametrize(("age_s", "is_answered"), [(0.3, True), (0.51, False)])
async def test_a_frame_older_than_half_a_second_is_refused(
    session: CheckoutSession, age_s: float, is_answered: bool
) -> None:
    frame = jpeg(Stage().frame())
    async with working(session) as worker:
        await worker.answer(frame)
        answer = await worker.answer(frame, age_s=age_s)
    assert answer["type"] == ("frame.result" if is_answered else "error")
    assert answer.get("code") == (None if is_answered else "late_frame")
    assert answer["frame"] == 2


async def test_what_goes_wrong_is_the_answer_to_its_frame_and_the_next_is_looked_at(
    session: CheckoutSession,
) -> None:
    frames = lying(RED, 12)
    async with working(session) as worker:
        await worker.answers(frames[:6])
        faults = [
            EngineNotReady("The encoder is being loaded."),
            OperationalError("away"),
            RuntimeError("no"),
        ]
        codes = []
        for frame, fault in zip(frames[6:9], faults, strict=True):
            worker.fault = fault
            answer = await worker.answer(frame)
            codes.append(answer["code"])
            assert answer["detail"]
        worker.fault = None
        bad = await worker.answer(b"no picture")
        answers = await worker.answers(frames[9:])
    assert codes == [EngineNotReady("").code, "database_unavailable", "internal_error"]
    assert (bad["code"], bad["frame"], set(bad["data"])) == ("bad_frame", 10, {"reason"})
    assert [answer["type"] for answer in answers] == ["frame.result"] * len(answers)
    assert answers[-1]["detections"][0]["name"] == "Red tea"


async def test_names_are_read_once_a_second_and_at_once_for_another_product(
    session: CheckoutSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = {"s": 0.0}
    monkeypatch.setattr(product_names, "time", SimpleNamespace(monotonic=lambda: clock["s"]))
    names = ProductNames()

    async def named(at_s: float, *product_ids: UUID) -> dict[str, str]:
        clock["s"] = at_s
        known = await names.get({str(product_id) for product_id in product_ids})
        return {choice["product_id"]: choice["name"] for choice in known.values()}

    async def rename(name: str) -> None:
        await in_database(Product.objects.filter(pk=RED_ID).update, name=name)

    assert await named(100.0, RED_ID) == {str(RED_ID): "Red tea"}
    await rename("Rooibos")
    assert await named(100.9, RED_ID) == {str(RED_ID): "Red tea"}
    assert await named(101.1, RED_ID) == {str(RED_ID): "Rooibos"}
    await rename("Red tea")
    both = {str(RED_ID): "Red tea", str(BLUE_ID): "Blue tea"}
    assert await named(101.2, BLUE_ID) == both, "what was known is read again with it"
    await in_database(Product.objects.filter(pk=BLUE_ID).update, is_active=False)
    assert await named(102.3, BLUE_ID) == {str(RED_ID): "Red tea"}
    assert await named(110.0) == {str(RED_ID): "Red tea"}


async def test_a_product_without_a_name_is_not_read_with_every_frame(
    session: CheckoutSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[set[str]] = []

    def choices_get(*, product_ids: set[str]) -> dict[str, Choice]:
        reads.append(product_ids)
        return {}

    clock = {"s": 100.0}
    monkeypatch.setattr(product_names, "time", SimpleNamespace(monotonic=lambda: clock["s"]))
    monkeypatch.setattr(selectors, "choices_get", choices_get)
    names = ProductNames()
    for at_s in (100.0, 100.1, 101.0, 101.1):
        clock["s"] = at_s
        assert await names.get({str(RED_ID)}) == {}
    assert reads == [{str(RED_ID)}] * 2


async def test_a_hundred_products_known_are_forgotten_for_the_next_one(session: CheckoutSession) -> None:
    many = await in_database(lambda: [product_make(f"Product {number}").pk for number in range(100)])
    names = ProductNames()
    assert len(await names.get({str(product_id) for product_id in many[:99]})) == 99
    assert len(await names.get({str(many[99])})) == 100
    assert set(await names.get({str(RED_ID)})) == {str(RED_ID)}


def test_the_limits_are_what_they_were_chosen_to_be() -> None:
    assert (frame_worker.FRAME_AGE_MAX_S, product_names.NAMES_AGE_MAX_S) == (0.5, 1.0)
    assert (camera_state.CHANGES_WAITING_MAX, camera_state.QUESTIONS_MAX) == (100, 200)
    assert np.isclose(frame_worker.BARCODE_SHARE, 0.002)
