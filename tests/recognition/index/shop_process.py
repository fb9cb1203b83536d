"""A shop's process for tests: an engine over the deterministic encoder that does what stdin says."""

from __future__ import annotations

import hashlib
import json
import sys
import time
from typing import Any
from uuid import UUID

import django

django.setup()

from recognition import services  # noqa: E402
from recognition.engine import shared  # noqa: E402
from recognition.engine.engine import Engine  # noqa: E402
from recognition.engine.gallery import Gallery  # noqa: E402
from tests.fakes import ThumbnailEncoder  # noqa: E402
from tests.recognition.pictures import picture, upload  # noqa: E402


def register(engine: Engine, *, name: str, numbers: list[int]) -> dict[str, Any]:
    made = services.product_register(name=name, uploads=[upload(number) for number in numbers])
    return {"product_id": str(made.product.pk), "seq": made.index_seq}


def set_active(engine: Engine, *, product_id: str, is_active: bool) -> dict[str, Any]:
    return {"seq": services.product_set_active(product_id=UUID(product_id), is_active=is_active)}


def wait(engine: Engine, *, seq: int, timeout_s: float) -> dict[str, Any]:
    return {"reached": engine.replica.wait_for(seq, timeout_s=timeout_s)}


def listening(engine: Engine, *, timeout_s: float) -> dict[str, Any]:
    return {"listening": engine.gallery.hints.wait_until_listening(timeout_s=timeout_s)}


def applied(engine: Engine, *, seq: int, timeout_s: float) -> dict[str, Any]:
    """Wait without a hint of its own, which `Replica.wait_for` would give."""
    deadline = time.monotonic() + timeout_s
    while engine.replica.applied_seq < seq and time.monotonic() < deadline:
        time.sleep(0.01)
    return {"reached": engine.replica.applied_seq >= seq}


def recognize(engine: Engine, *, number: int) -> dict[str, Any]:
    decision = engine.recognize([picture(number)]).decisions[0]
    return {"state": decision.state, "product_ids": [each.product_id for each in decision.candidates[:1]]}


def replica(engine: Engine) -> dict[str, Any]:
    """Summarize the replica so that two equal ones give the same answer."""
    view = engine.replica.view
    assert view is not None
    rows = range(view.store.row_count)
    vectors = hashlib.sha256(view.store.vectors(rows).tobytes()).hexdigest()
    return {
        "seq": view.applied_seq,
        "epoch": view.epoch,
        "vectors": vectors,
        "active": [view.store.is_active(row) for row in rows],
        "product_ids": view.product_ids,
        "failure": engine.replica.failure,
    }


COMMANDS = {
    function.__name__: function
    for function in (register, set_active, wait, listening, applied, recognize, replica)
}


def main() -> None:
    gallery = Gallery(poll_s=float(sys.argv[1]))
    engine = Engine(load=lambda name: ThumbnailEncoder(), gallery=gallery)
    engine.start()
    shared.engine_use(engine)
    for line in sys.stdin:
        request = json.loads(line)
        answer = COMMANDS[request.pop("command")](engine, **request)
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()
    shared.engine_use(None)


if __name__ == "__main__":
    main()
